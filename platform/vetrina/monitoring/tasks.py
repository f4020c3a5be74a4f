"""Tasks carry the id of the request that asked for them, so that its log lines and theirs can be read together."""

import logging
import time
from typing import Any

import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun

from vetrina.monitoring.logs import request_id_from

log = logging.getLogger("vetrina.task")
NAME = "request_id"  # of the message's header, and of the field in the logs
_running: dict[str, tuple[float, bool]] = {}  # when it began, and whether a request asked for it


@before_task_publish.connect
def carry(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    request_id = structlog.contextvars.get_contextvars().get(NAME)
    if request_id and headers is not None:
        headers[NAME] = request_id


@task_prerun.connect
def begin(task_id: str = "", task: Any = None, **kwargs: Any) -> None:
    given = task.request.get(NAME) or (task.request.get("headers") or {}).get(NAME) or ""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id_from(str(given)), task=task.name, task_id=task_id)
    _running[task_id] = time.perf_counter(), bool(given)


@task_postrun.connect
def end(task_id: str = "", state: str | None = None, **kwargs: Any) -> None:
    started, asked_for = _running.pop(task_id, (time.perf_counter(), False))
    # What the schedule sends every few seconds is told of only where it did not go well.
    level = logging.INFO if asked_for or state != "SUCCESS" else logging.DEBUG
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    log.log(level, "Worked", extra={"outcome": (state or "lost").lower(), "took_ms": took_ms})
    structlog.contextvars.clear_contextvars()
