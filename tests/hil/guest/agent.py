"""Agent: carries out calls from the tests inside the guest, over a virtio-serial port; standard library only.

A request is one line of JSON. `{"id", "define", "source"}` brings a module, `{"id", "call": "module:function",
"arguments": {}}` calls a function of it in a thread of its own. The answer is `{"id", "result"}` or `{"id", "error"}`
with the traceback. At its start the agent says `{"hello": true}`.
"""

import importlib
import json
import os
import sys
import threading
import time
import traceback
import types
from typing import Any

_lock = threading.Lock()


def say(port: int, what: dict[str, Any]) -> None:
    """Write one line, whole."""
    octets = (json.dumps(what) + "\n").encode()
    with _lock:
        while octets:
            octets = octets[os.write(port, octets) :]


def define(name: str, source: str) -> None:
    """Make a module out of its source; what it may have held before is forgotten."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, f"{name}.py", "exec"), module.__dict__)


def carry_out(port: int, request: dict[str, Any]) -> None:
    """Do what a request wants and answer it."""
    answer: dict[str, Any] = {"id": request["id"], "result": None}
    try:
        if "define" in request:
            define(request["define"], request["source"])
        else:
            module, _, function = request["call"].partition(":")
            answer["result"] = getattr(importlib.import_module(module), function)(**request["arguments"])
    except BaseException:  # noqa: BLE001 - whatever goes wrong in here must be told outside
        answer["error"] = traceback.format_exc()
    say(port, answer)


def serve(path: str) -> None:
    """Answer requests for ever."""
    port = os.open(path, os.O_RDWR)
    say(port, {"hello": True})
    rest = b""
    while True:
        octets = os.read(port, 65536)
        if not octets:
            # Nobody is connected outside.
            time.sleep(0.02)
            continue
        *lines, rest = (rest + octets).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "define" in request:
                # In order: what comes next may call it.
                carry_out(port, request)
            else:
                threading.Thread(target=carry_out, args=(port, request), daemon=True).start()


if __name__ == "__main__":
    serve(sys.argv[1])
