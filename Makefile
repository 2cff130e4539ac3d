# Yaoma. The two commands of the README are `make demo` and `make test`; each installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# What pip can't bring: the broker, libzbar for pyzbar, and what systemd-python and evdev are compiled with.
DEBIAN := mosquitto libzbar0 libsystemd-dev linux-libc-dev pkg-config gcc libc6-dev python3-dev python3-venv e2fsprogs
# What an installed box needs of these; a centre needs its broker besides.
DEBIAN_BOX := libzbar0 libsystemd-dev linux-libc-dev pkg-config gcc libc6-dev python3-dev python3-venv
# Optional: what `yaoma-tools sheet` writes Chinese with; without it its tests are left out.
#   apt install fonts-noto-cjk
# Optional: a server for the tests of the bridge's store in PostgreSQL; without it they are left out.
#   apt install postgresql
KEEP ?=
# Two more than processors: some tests wait most of their time.
WORKERS ?= $(shell expr $$(nproc) + 2)
ROWS ?= $(if $(DECODE_SAMPLES),decode,append,box,drain,verdict,update,list)
ROUNDS ?= 3
DESTDIR ?=
# Tests and demo start programs hundreds of times: what is compiled is kept, whatever this shell says. Empty is off.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help venv install uninstall demo test test-slow hil hil-smoke bench matrix check format build clean system

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

venv: $(VENV)/installed ## Install Debian packages and the virtual environment of this checkout

install: DEBIAN := $(DEBIAN_BOX)
install: $(if $(DESTDIR),,system) ## Install on this machine: /opt/yaoma, commands, units, users, udev rules (DESTDIR=...)
	$(if $(DESTDIR),,$(SUDO)) env DESTDIR="$(DESTDIR)" PYTHON="$(PYTHON)" PIP_ARGS="$(PIP_ARGS)" systemd/install.sh install

uninstall: ## Take it off again; configuration, keys and records stay
	$(if $(DESTDIR),,$(SUDO)) env DESTDIR="$(DESTDIR)" systemd/install.sh uninstall

demo: venv ## A morning at the counter: broker, bridge, box, scanner, camera (KEEP=1 leaves it running)
	$(BIN)/python -W error::ResourceWarning tests/demo/morning.py $(if $(KEEP),--keep)

test: venv ## Run the tests (under 8 minutes)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not slow" -q

test-again: venv ## Run what failed last time once more, one after the other
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none -m "not slow" -q

test-slow: venv ## Run all tests, the long ones too
	YAOMA_EXAMPLES=500 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q

hil: venv ## Plug virtual scanners into the installed box, in a virtual machine (KEEP_GUEST=1: in the one built last)
	$(SUDO) env PYTHONPATH=tests $(BIN)/python -m hil.prepare $(if $(KEEP_GUEST),--keep)
	$(BIN)/python -m pytest tests/hil -q $(if $(SMOKE),-m hil_smoke)

hil-smoke: SMOKE := 1
hil-smoke: hil ## The part of it that takes a minute once the machine is built

bench: venv ## Measure speed beside floors and peers (ROWS=append,decode ROUNDS=3; DECODE_SAMPLES=folder of pictures)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt --group bench
	$(BIN)/python tests/bench/run.py --rows "$(ROWS)" --rounds "$(ROUNDS)" $(if $(BOXES),--boxes $(BOXES)) $(if $(RECORDS),--records $(RECORDS)) $(if $(LAYOUTS),--layouts $(LAYOUTS))

matrix: ROWS :=
matrix: venv ## Print the requirement matrix: row, who serves it, whether tests show that it works (ROWS=--open)
	$(BIN)/python tests/requirements/matrix.py $(ROWS)

check: venv ## Lint, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: venv ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: venv ## Build wheel and source archive into dist/
	$(BIN)/pip -q install build
	$(BIN)/python -m build

clean: ## Remove the virtual environment and what tools left behind
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .demo .hil

system:
	@missing=""; for package in $(DEBIAN); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "Installing Debian packages:$$missing"; \
	  $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

$(VENV)/installed: pyproject.toml constraints.txt Makefile | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -U "pip>=25.1"
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[box,tools,bridge,sm2,postgres]' --group dev
	touch $@
