"""The drain's peer: a bare paho loop without any storage, one record per message, a window of 20; prints seconds."""

import argparse
import json
import select
import ssl
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.shop import BOX, SITE

_WINDOW = 20


def main() -> None:
    """Publish each line of a file as a message of its own; print records, seconds and processor seconds as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("lines", type=Path)
    parser.add_argument("county", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--own-thread", action="store_true", help="drive paho's loop from the thread that publishes")
    options = parser.parse_args()
    lines = options.lines.read_bytes().splitlines()
    keys, topic = options.county / BOX, f"yaoma/v1/{SITE}/{BOX}/health"
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"{SITE}/{BOX}", protocol=MQTTProtocolVersion.MQTTv5)
    context = ssl.create_default_context(cafile=str(options.county / "ca" / "authority.pem"))
    context.load_cert_chain(keys / "box.pem", keys / "box.key")
    client.tls_set_context(context)
    drive = _on_this_thread if options.own_thread else _on_its_thread
    seconds, cpu_s = drive(client, options.port, topic, lines)
    sys.stdout.write(json.dumps({"records": len(lines), "seconds": seconds, "cpu_s": cpu_s}))


def _on_its_thread(client: Client, port: int, topic: str, lines: list[bytes]) -> tuple[float, float]:
    """Let paho's thread drive the line, as its documentation shows; a semaphore is the window."""
    connected, done = threading.Event(), threading.Event()
    window, left = threading.Semaphore(_WINDOW), iter(range(len(lines) - 1, -1, -1))

    def published(*_: object) -> None:
        window.release()
        if next(left) == 0:
            done.set()

    client.on_connect = lambda *_: connected.set()
    client.on_publish = published
    client.connect("localhost", port)
    client.loop_start()
    connected.wait(20)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    for line in lines:
        window.acquire()
        client.publish(topic, line, qos=1)
    done.wait(300)
    found = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    client.disconnect()
    client.loop_stop()
    return found


def _on_this_thread(client: Client, port: int, topic: str, lines: list[bytes]) -> tuple[float, float]:
    """Drive the line here: no other thread to wait for."""
    answered, connected = 0, False

    def published(*_: object) -> None:
        nonlocal answered
        answered += 1

    def accepted(*_: object) -> None:
        nonlocal connected
        connected = True

    client.on_connect, client.on_publish = accepted, published
    client.connect("localhost", port)
    while not connected:
        _step(client)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    sent = 0
    while answered < len(lines):
        while sent < len(lines) and sent - answered < _WINDOW:
            client.publish(topic, lines[sent], qos=1)
            sent += 1
        _step(client)
    found = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    client.disconnect()
    return found


def _step(client: Client) -> None:
    stream = client.socket()
    assert isinstance(stream, ssl.SSLSocket)
    if not stream.pending():
        select.select([stream], [stream] if client.want_write() else [], [], 1)
    client.loop_read()
    if client.want_write():
        client.loop_write()
    client.loop_misc()


if __name__ == "__main__":
    main()
