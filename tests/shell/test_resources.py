"""Where the data that ships is found."""

from pathlib import Path

import pytest

from yaoma.shell.resources import ResourceMissingError, config_file


def _put(folder: Path) -> Path:
    file = folder / "operations.toml"
    file.parent.mkdir(parents=True)
    file.touch()
    return file


def test_config_file_when_in_a_checkout_then_it_lies_beside_the_source_root(tmp_path: Path) -> None:
    """`config/` stands beside `daemon/`."""
    file = _put(tmp_path / "checkout" / "config")

    assert config_file("operations.toml", package=tmp_path / "checkout/daemon/yaoma", prefix=tmp_path) == file


def test_config_file_when_installed_then_it_lies_under_the_prefix(tmp_path: Path) -> None:
    """A wheel puts it under `share/yaoma/config`."""
    file = _put(tmp_path / "share/yaoma/config")
    package = tmp_path / "lib/python3.11/site-packages/yaoma"

    assert config_file("operations.toml", package=package, prefix=tmp_path) == file


def test_config_file_when_missing_then_the_error_names_both_places(tmp_path: Path) -> None:
    """Whoever installs it sees where it was looked for."""
    with pytest.raises(ResourceMissingError) as caught:
        config_file("operations.toml", package=tmp_path / "a/daemon/yaoma", prefix=tmp_path / "b")

    assert caught.value.looked == (tmp_path / "a/config", tmp_path / "b/share/yaoma/config")
