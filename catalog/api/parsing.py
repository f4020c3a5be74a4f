"""JSON from strangers: bounded in size, and whatever is broken about it is a 400 with a sentence."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_BODY = 2 * 1024 * 1024


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large."
    default_code = "too_large"


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"{name} is not a number in JSON.")


def loads(data: bytes | str) -> Any:
    """Parse JSON strictly: UTF-8, no NaN or Infinity, no nesting that exhausts the stack. Raises ParseError."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        return json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8 (byte {error.start}).") from error
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error
    except ValueError as error:  # broken JSON, and whole numbers of thousands of digits
        raise ParseError(f"The JSON is broken: {error}") from error


def read_body(stream: IO[bytes], context: Mapping[str, Any] | None, limit: int) -> bytes:
    """Return the body, and raise TooLarge before reading one that is longer than `limit` bytes."""
    request = (context or {}).get("request")
    length = request.META.get("CONTENT_LENGTH") if request is not None else None
    if length and str(length).isdecimal() and int(length) > limit:
        raise TooLarge(f"The body has {int(length):,} bytes; at most {limit:,} are allowed.")
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"The body has more than {limit:,} bytes.")
    return data


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return loads(read_body(stream, parser_context, MAX_BODY))


class RowsParser(BaseParser):
    """A JSON list of rows, or an object with the list as "rows"."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        data = loads(read_body(stream, parser_context, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
        if isinstance(data, dict) and data.keys() == {"rows"}:
            data = data["rows"]
        if not isinstance(data, list):
            raise ParseError('Send a JSON list of products, or {"rows": […]}.')
        return data


class LinesParser(BaseParser):
    """One JSON object a line (NDJSON). A broken line is kept as its error, to be one rejected row among the others."""

    media_type = "application/x-ndjson"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        data = read_body(stream, parser_context, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        return [_line(line) for line in data.split(b"\n") if line.strip()]


def _line(line: bytes) -> Any:
    try:
        return loads(line)
    except ParseError as error:
        return error
