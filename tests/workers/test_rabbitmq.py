"""A worker that takes its messages from RabbitMQ: products are indexed, and a killed worker loses none."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recommend.sponsored.shop_server import free_port
from tests.workers.installation import installation

pytestmark = [pytest.mark.slow, pytest.mark.own_parts]
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
PRODUCTS = 40


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """The address of a RabbitMQ of this test's own, in a folder of its own."""
    epmd = shutil.which("epmd")
    if not SERVER.exists() or epmd is None:
        pytest.skip("RabbitMQ is not installed (apt-get install rabbitmq-server)")
    port, names = free_port(), free_port()
    folder = tmp_path / "rabbitmq"
    folder.mkdir()
    (folder / "enabled_plugins").write_text("[].\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),  # of the cookie
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": f"vetrina{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
    }
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen([str(SERVER)], cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        wait_for(port, server, folder / "output")
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        # Erlang's register of names, which the node has started and leaves behind.
        subprocess.run([epmd, "-port", str(names), "-kill"], env=environment, stdout=subprocess.DEVNULL, check=False)


def wait_for(port: int, server: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + 600
    while True:
        assert server.poll() is None, output.read_text()[-2000:]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            connection.settimeout(10)
            if connection.recv(1):  # it begins to talk
                return
        assert time.monotonic() < deadline, output.read_text()[-2000:]
        time.sleep(0.3)


def test_products_are_indexed_and_a_killed_worker_loses_none(tmp_path: Path, broker: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file = home / "products.jsonl"

    def write(edition: int) -> None:
        rows = ({"sku": f"R{n}", "title": f"Lamp {n}, edition {edition}", "price": 5} for n in range(PRODUCTS))
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    with installation(home, CELERY_BROKER_URL=broker, OUTBOX_BATCH="8") as shop:
        shop.start_worker()
        write(1)
        shop.manage("import_catalog", str(file), "--json")
        shop.wait_for(lambda: shop.due() == 0)
        write(2)
        shop.manage("import_catalog", str(file), "--json")
        shop.kill("worker")
        shop.wait_for(lambda: shop.due() == 0)
        found = shop.manage("check_index", "--json")
        log = (home / "worker.log").read_text()
    assert (found["products"], found["indexed"]) == (PRODUCTS, PRODUCTS)
    assert not found["missing"] + found["stale"] + found["orphaned"]
    assert "Connected to amqp://" in log
