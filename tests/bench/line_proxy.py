"""Line proxy: a rural line between box and broker: delay, a bit rate, a short buffer; and a count of its bytes.

The kernel's own tool for this (netem) is often missing on machines that build software. Runs as a process of its own:
`python line_proxy.py TARGET_PORT [--one-way-ms 150] [--kbit-s 64]`; prints its port, and on SIGTERM the bytes up and
down.
"""

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import dataclass

_CHUNK_BYTES = 1400
_BUFFER_S = 1.0


@dataclass(slots=True)
class Way:
    """One direction of one connection.

    Args:
        delay_s: How long each byte travels.
        bytes_per_s: How many fit through; 0 for any number.
        count: How many went through.
    """

    delay_s: float
    bytes_per_s: float
    count: int = 0

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Carry bytes until the source ends; what is under way then still arrives."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arriving = asyncio.create_task(_deliver(under_way, sink))
        free_at_s = loop.time()
        while chunk := await _read(source):
            self.count += len(chunk)
            free_at_s = max(free_at_s, loop.time())
            if self.bytes_per_s:
                free_at_s += len(chunk) / self.bytes_per_s
            under_way.put_nowait((free_at_s + self.delay_s, chunk))
            # a router's buffer is short: beyond it the sender's own TCP has to wait
            await asyncio.sleep(max(0.0, free_at_s - loop.time() - _BUFFER_S))
        under_way.put_nowait((free_at_s + self.delay_s, b""))
        await arriving


async def _read(source: asyncio.StreamReader) -> bytes:
    try:
        return await source.read(_CHUNK_BYTES)
    except ConnectionError:
        return b""


async def _deliver(under_way: "asyncio.Queue[tuple[float, bytes]]", sink: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    try:
        while True:
            at_s, chunk = await under_way.get()
            await asyncio.sleep(max(0.0, at_s - loop.time()))
            if not chunk:
                break
            sink.write(chunk)
            await sink.drain()
        sink.close()
        await sink.wait_closed()
    except ConnectionError:
        sink.close()


async def _serve(port: int, up: Way, down: Way) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def accept(box: asyncio.StreamReader, to_box: asyncio.StreamWriter) -> None:
        broker, to_broker = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(up.carry(box, to_broker), down.carry(broker, to_box))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=4 * _CHUNK_BYTES)
    _say(server.sockets[0].getsockname()[1])
    await stop.wait()
    _say([up.count, down.count])


def _say(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def main() -> None:
    """Carry connections until SIGTERM."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--one-way-ms", type=float, default=0.0)
    parser.add_argument("--kbit-s", type=float, default=0.0)
    options = parser.parse_args()
    up, down = (Way(options.one_way_ms / 1000, options.kbit_s * 125) for _ in range(2))
    asyncio.run(_serve(options.port, up, down))


if __name__ == "__main__":
    main()
