"""A real vectord process, for every test here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient

START_SECONDS = 60


class Vectord:
    """A vectord process on a directory, and what its endpoint file says of it."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._log = (directory.parent / f"{directory.name}.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vectord", "--data", str(directory), *options],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "platform")},
            stderr=self._log,
        )
        endpoint = self._wait_for_endpoint()
        self.url: str = endpoint["url"]
        self.api_key: str = endpoint["api_key"]

    def _wait_for_endpoint(self) -> dict[str, Any]:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                endpoint = json.loads((self.directory / "endpoint.json").read_bytes())
            except FileNotFoundError:
                endpoint = {}
            if endpoint.get("pid") == self.process.pid:
                return endpoint
            assert self.process.poll() is None, f"vectord ended at once: {self.log()}"
            time.sleep(0.02)
        raise AssertionError(f"vectord did not start: {self.log()}")

    def client(self, **options: Any) -> QdrantClient:
        return QdrantClient(url=self.url, api_key=self.api_key, timeout=60, **options)

    def log(self) -> str:
        return Path(self._log.name).read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """A clean stop. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@pytest.fixture(scope="session")
def vectord_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vectord]:
    """One process for all tests that only need some collections of their own."""
    server = Vectord(tmp_path_factory.mktemp("vectord") / "data")
    yield server
    server.stop()


@pytest.fixture
def client(vectord_server: Vectord) -> Iterator[QdrantClient]:
    """A client of the shared process; the collections a test makes are gone after it."""
    made = vectord_server.client()
    others = {one.name for one in made.get_collections().collections}
    yield made
    for collection in made.get_collections().collections:
        if collection.name not in others:
            made.delete_collection(collection.name)
    made.close()
