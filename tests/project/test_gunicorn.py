"""What a web process loads before anybody asks: each part for itself."""

import gc
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection

from recommend.serving import profile
from search.encoders import registry
from vetrina import gunicorn


@pytest.mark.parametrize("broken", ["text", "image", "recommender", ""])
def test_what_cannot_be_loaded_keeps_nothing_else_from_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    loaded: list[str] = []

    def load(name: str) -> Any:
        if name == broken:
            raise RuntimeError("no weights")
        loaded.append(name)

    class Encoder:
        def __init__(self, kind: str) -> None:
            self.kind = kind

        def encode_text(self, texts: list[str], *, query: bool) -> None:
            load(self.kind)

    monkeypatch.setattr(registry, "get_encoder", Encoder)
    monkeypatch.setattr(profile, "live_model", lambda: load("recommender"))
    for name in ("collect", "freeze", "set_threshold"):
        monkeypatch.setattr(gc, name, lambda *arguments, name=name: loaded.append(name))
    monkeypatch.setattr(connection, "close", lambda: loaded.append("closed"))
    gunicorn._warm_up()
    parts = [name for name in ("text", "image", "recommender") if name != broken]
    assert loaded == [*parts, "closed", "collect", "freeze", "set_threshold"]
    assert ("was not loaded ahead" in caplog.text) == bool(broken)


def _counted(address: str) -> int:
    told = httpx.get(f"{address}/metrics", timeout=30).text
    found = re.search(r'^vetrina_requests_total\{method="GET",route="healthz",status="200"\} (\d+)', told, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.mark.slow
@pytest.mark.own_parts
def test_metrics_are_those_of_all_processes_also_of_one_that_died(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    paths = os.pathsep.join((str(root / "platform"), str(root)))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "VETRINA_HOME": str(tmp_path / "home")}
    # No vector store listens there, which the metrics have to live with.
    environment |= {"WEB_CONCURRENCY": "2", "QDRANT_URL": "http://127.0.0.1:9", "TMPDIR": str(tmp_path)}
    arguments = [
        "gunicorn",
        "vetrina.wsgi",
        "--config",
        "python:vetrina.gunicorn",
        "--bind",
        address,
        "--no-control-socket",
    ]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", *arguments], cwd=root, env=environment, stderr=log, stdout=log)
    try:
        url, sent, deadline = f"http://{address}", 0, time.monotonic() + 120
        folders: list[Path] = []
        while len({file.name for folder in folders for file in folder.glob("counter_*.db")}) < 2:
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            try:  # a connection of its own each, so that both processes get some
                httpx.get(f"{url}/healthz", timeout=120)  # one that was given up would be counted all the same
                sent += 1
            except httpx.TransportError:
                time.sleep(0.5)
            folders = list(tmp_path.glob("vetrina-metrics-*"))
        assert [_counted(url) for _ in range(4)] == [sent] * 4
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        time.sleep(2)
        assert _counted(url) == sent
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert not list(tmp_path.glob("vetrina-metrics-*")), "the folder is left behind"
