"""`python -m vectord --data DIR`: serve one data directory on loopback until told to stop, or until nobody asks."""

import argparse
import asyncio
import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path

import uvicorn

from vectord import durable
from vectord.server import Service
from vectord.storage import DirectoryLock, DirectoryTakenError, Storage

EXIT_TAKEN = 3
GRACE_SECONDS = 30  # for requests that run when the stop comes


class Server(uvicorn.Server):
    """Uvicorn, which says where it listens once it does, and stops when it was idle for long enough."""

    def __init__(self, config: uvicorn.Config, service: Service, endpoint: Path, url: str, api_key: str) -> None:
        super().__init__(config)
        self._service = service
        self._endpoint = endpoint
        self._announcement = {"url": url, "api_key": api_key, "pid": os.getpid()}

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        durable.write_json(self._endpoint, self._announcement, mode=0o600)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._endpoint.unlink(missing_ok=True)
        await super().shutdown(sockets)

    async def stop_when_idle(self, seconds: float) -> None:
        service = self._service
        while service.running or service.storage.optimising or time.monotonic() - service.last_request < seconds:
            await asyncio.sleep(min(1.0, seconds / 4))
        self.should_exit = True


async def serve(arguments: argparse.Namespace, listener: socket.socket) -> None:
    directory: Path = arguments.data
    api_key = arguments.api_key or secrets.token_urlsafe(24)
    storage = Storage(directory)
    try:
        service = Service(storage, api_key)
        config = uvicorn.Config(
            service.app,
            lifespan="off",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=75,
        )
        host, port = listener.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        server = Server(config, service, directory / "endpoint.json", url, api_key)
        watch = None
        if arguments.idle_exit:
            watch = asyncio.get_running_loop().create_task(server.stop_when_idle(arguments.idle_exit))
        await server.serve(sockets=[listener])
        if watch is not None:
            watch.cancel()
    finally:
        await storage.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address. Raises ValueError for any other address."""
    address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    if not address.is_loopback:
        raise ValueError(f"vectord listens on loopback only, and {host} is not a loopback address")
    listener = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((str(address), port))
    listener.listen(128)
    return listener


def main() -> int:
    parser = argparse.ArgumentParser(prog="vectord", description="The part of Qdrant that Vetrina uses, on loopback.")
    parser.add_argument("--data", type=Path, required=True, help="the directory that this process will own")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--api-key", default="", help="made at random where none is given")
    parser.add_argument("--idle-exit", type=float, default=0.0, help="stop after so many seconds without a request")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    # Uvicorn stops by these signals and then raises them again, for the process to end as by an unhandled one.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        lock = DirectoryLock(arguments.data)
    except DirectoryTakenError as error:
        print(f"vectord: {error}", file=sys.stderr)
        return EXIT_TAKEN
    try:
        listener = listen(arguments.host, arguments.port)
    except (ValueError, OSError, OverflowError) as error:
        print(f"vectord: {error}", file=sys.stderr)
        return 2
    (arguments.data / "endpoint.json").unlink(missing_ok=True)  # of a process that was killed
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        runner.run(serve(arguments, listener))
    lock.release()
    return 0


def _event_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


if __name__ == "__main__":
    sys.exit(main())
