"""A TCP proxy between the shop and one of its services, which can stop behaving.

| mode | what a client of it sees |
| --- | --- |
| `pass` | the service |
| `gone` | nobody listens, and what was open is cut |
| `refusing` | a connection is taken and reset at once |
| `slow` | each answer comes `delay` seconds late |
| `silent` | connections are taken and stay open, and nothing ever comes; what was open hears no more either |
| `read-only` | of HTTP: reads are passed on, writes are answered 403, as Qdrant does to a key that may only read |
"""

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any

from search.index.client import READS
from tests.recommend.sponsored.shop_server import free_port

CHUNK = 65_536  # bytes
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST
FORBIDDEN = json.dumps({"status": {"error": "Forbidden: the key may only read"}, "time": 0.0}).encode()


class Proxy:
    def __init__(self, target: int) -> None:
        self.target, self.port = target, free_port()
        self.mode, self.delay = "pass", 0.0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._heard = asyncio.Event()  # set while what was sent is passed on
        threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True).start()
        self.set("pass")

    def set(self, mode: str, *, delay: float = 0.0) -> None:
        """Behave so from now on; returns when it does."""
        self._call(self._set(mode, delay))

    def close(self) -> None:
        self._call(self._set("gone", 0.0))
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _set(self, mode: str, delay: float) -> None:
        before, self.mode, self.delay = self.mode, mode, delay
        if mode == "silent":
            self._heard.clear()
        else:
            self._heard.set()
        if mode in ("gone", "refusing", "read-only") or before == "read-only":
            for writer in list(self._open):
                _reset(writer)
        if mode == "gone" and self._server is not None:
            self._server.close()
            self._server = None
        elif mode != "gone" and self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode in ("gone", "refusing"):
            _reset(writer)
            return
        self._open.add(writer)
        try:
            if self.mode == "read-only":
                await self._read_only(reader, writer)
                return
            await self._heard.wait()
            upstream = await asyncio.open_connection("127.0.0.1", self.target)
            self._open.add(upstream[1])
            try:
                await asyncio.gather(self._pump(reader, upstream[1], 0), self._pump(upstream[0], writer, 1))
            finally:
                self._open.discard(upstream[1])
                upstream[1].transport.abort()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: int) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._heard.wait()
                if late and self.mode == "slow":
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        writer.transport.abort() if writer.is_closing() else writer.close()

    async def _read_only(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            line, *fields = head.decode("latin-1").rstrip().split("\r\n")
            method, path, _ = line.split(" ")
            named = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
            body = await reader.readexactly(int(named.get("content-length", 0)))
            if method == "GET" or (method == "POST" and READS.search(path.partition("?")[0])):
                answer, upstream = await asyncio.open_connection("127.0.0.1", self.target)
                kept = [field for field in fields if not field.lower().startswith("connection:")]
                upstream.write("\r\n".join([line, *kept, "Connection: close", "", ""]).encode("latin-1") + body)
                while data := await answer.read(CHUNK):
                    writer.write(data)
                upstream.close()
            else:
                header = f"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: {len(FORBIDDEN)}"
                writer.write(f"{header}\r\nConnection: close\r\n\r\n".encode() + FORBIDDEN)
            await writer.drain()
            writer.close()
            await writer.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
