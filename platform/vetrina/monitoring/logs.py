"""One line a log record, for people or as JSON, with the request or task that it belongs to and without personal data.

Records of all libraries pass here, so what a library writes about a visitor is taken out as well: e-mail addresses,
public network addresses, the query part of addresses, where the words of a search and tokens stand, and the values of
rows that PostgreSQL sends with an error.
"""

import ipaddress
import logging
import re
import uuid
from typing import Any

import structlog

# Fields that a record may bring as `extra`. Django's own records bring the whole request under other names.
FIELDS = {"method", "route", "status", "took_ms", "task", "task_id", "outcome"}
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

# With a constraint that fails, PostgreSQL sends the values of the row, which may go over several lines.
_DETAIL = re.compile(r"\bDETAIL: .*?(?=\n\n|\nCONTEXT: |\nTraceback |\Z)", re.DOTALL)

# Each begins at a character that the part before cannot hold, so none of them looks at a text twice.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_QUERY = re.compile(r"(?<=[\w/])\?[\w.%+-]{1,64}=[^\s'\"<>]*")
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w.])")


def request_id_from(header: str) -> str:
    """The id that a proxy or client sent, where it is well-formed; a new one otherwise."""
    return header if REQUEST_ID.fullmatch(header) else uuid.uuid4().hex


def redact(text: str) -> str:
    """The text without e-mail addresses, public network addresses, the query part of addresses, and rows of tables."""
    text = _DETAIL.sub("DETAIL: [row]", text)
    text = _EMAIL.sub("[e-mail]", text)
    text = _QUERY.sub("?[query]", text)
    return _ADDRESS.sub(_address, text)


def _address(found: re.Match[str]) -> str:
    """Private addresses are those of the shop's own servers, which an operator has to see."""
    try:
        address = ipaddress.ip_address(found[0])
    except ValueError:
        return found[0]  # a time, say
    return "[address]" if address.is_global else found[0]


def _redacted(logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    for name in ("event", "exception"):
        if isinstance(value := event.get(name), str):
            event[name] = redact(value)
    return event


def json_lines() -> logging.Formatter:
    """One JSON object a line: timestamp, level, logger, event, request_id, and what else is known."""
    return _formatter(structlog.processors.JSONRenderer())


def plain_lines() -> logging.Formatter:
    """The same for people at a terminal, without colours, so that a file of it stays readable."""
    return _formatter(structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0))


def _formatter(renderer: Any) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(allow=FIELDS),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redacted,
            renderer,
        ],
    )
