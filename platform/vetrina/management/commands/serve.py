"""Run the whole shop on this machine: web, workers with their schedule, and the embedded vector store."""

import json
import os
import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from honcho.manager import Manager


class Command(BaseCommand):
    help = "Serve the shop on one machine: web server, workers and embedded vector store. Ctrl-C stops all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")

    def handle(self, *args: Any, **options: Any) -> None:
        address = f"{options['host']}:{options['port']}"
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(settings.BASE_DIR / "platform"), str(settings.BASE_DIR)]),
        }
        manager = Manager()
        manager.add_process("web", web_command(address), env=environment, cwd=str(settings.BASE_DIR))
        manager.add_process("worker", worker_command(), env=environment, cwd=str(settings.BASE_DIR))
        manager.add_process("trainer", trainer_command(), env=environment, cwd=str(settings.BASE_DIR))
        self.stdout.write(
            self.style.SUCCESS(f"The shop opens at http://{address}, its admin at http://{address}/admin/")
        )
        try:
            manager.loop()
        finally:
            stop_vectord()
        if manager.returncode not in (0, None, -signal.SIGINT, 128 + signal.SIGINT):
            sys.exit(manager.returncode)


def web_command(address: str) -> str:
    return f"{sys.executable} -m gunicorn vetrina.wsgi --config python:vetrina.gunicorn --bind {address}"


def worker_command() -> str:
    """For every queue but `train`, with the schedule inside. `solo`, because torch must not be used across a fork."""
    return f"{sys.executable} -m celery -A vetrina worker --pool solo --beat --queues encode,default --loglevel INFO"


def trainer_command() -> str:
    """A process of its own, so that products are indexed while a model is trained; at low priority, for the same."""
    worker = f"{sys.executable} -m celery -A vetrina worker --pool solo --queues train --hostname trainer@%h"
    return f"nice -n 10 {worker} --loglevel INFO"


def stop_vectord() -> None:
    """End the embedded vector store, which the first part that needed it has started on demand."""
    try:
        endpoint = json.loads((settings.VECTORD_DIR / "endpoint.json").read_text())
        os.kill(endpoint["pid"], signal.SIGTERM)
    except (OSError, ValueError, KeyError):
        return  # none was running
