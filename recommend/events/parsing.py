"""Events as others write them, in JSON or in the cells of a table, into drafts. Whatever makes no sense is refused."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from recommend.events.drafts import LONGEST, DraftError, EventDraft

TEXTS = ("kind", "sku", "query", "surface", "basket", "session", "device")
FIELDS = (
    "event_id", "kind", "sku", "query", "surface", "position", "value", "quantity", "basket", "session", "device",
    "consent", "happened_at", "placement", "search_id",
)  # fmt: skip
CUT = {"query": LONGEST["query"]}  # a query may be longer, and its beginning says what was looked for
YES, NO = ("true", "yes", "y", "1", "t"), ("false", "no", "n", "0", "f")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0+)?")
# Seconds, milliseconds, microseconds or nanoseconds since 1970: whichever gives a year before 5138.
_EPOCH_LIMIT, _EPOCH_STEP, _EPOCH_UNITS = 1e11, 1000, 4


def draft_of(values: Mapping[str, Any], *, naive_is_utc: bool = False) -> EventDraft:
    """Read the FIELDS of one event; an empty one is as good as none, and names that are no field are the caller's.

    Raises `DraftError` with a sentence. `naive_is_utc` is for logs, whose times often leave the offset out.
    """
    given = {name: values[name] for name in FIELDS if values.get(name) not in (None, "")}
    read: dict[str, Any] = {name: _text(name, given[name]) for name in TEXTS if name in given}
    if "kind" not in read:
        raise DraftError("An event needs its kind.")
    for name in ("event_id", "placement", "search_id"):
        if name in given:
            read[name] = _uuid(name, given[name])
    for name in ("position", "quantity"):
        if name in given:
            read[name] = _whole(name, given[name])
    if "value" in given:
        read["value"] = _decimal(given["value"])
    if "consent" in given:
        read["consent"] = _truth("consent", given["consent"])
    if "happened_at" in given:
        read["happened_at"] = moment(given["happened_at"], naive_is_utc=naive_is_utc)
    return EventDraft(**read)


def moment(value: Any, *, naive_is_utc: bool = False) -> datetime:
    """Read ISO 8601, or a number of seconds (milliseconds, …) since 1970. Raises `DraftError`."""
    if isinstance(value, str):
        try:
            return _of_epoch(float(value))
        except ValueError:
            pass
        try:
            read = datetime.fromisoformat(value.strip())
        except ValueError:
            raise DraftError(f"{value[:40]!r} is no time; write 2026-11-24T18:30:00Z, or seconds since 1970.") from None
        return read.replace(tzinfo=UTC) if naive_is_utc and read.tzinfo is None else read
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _of_epoch(value)
    raise DraftError("happened_at is a text or a number.")


def _of_epoch(number: float) -> datetime:
    if not 0 <= number < _EPOCH_LIMIT * _EPOCH_STEP ** (_EPOCH_UNITS - 1):  # which nan is not either
        raise DraftError("happened_at is no time since 1970.")
    while number >= _EPOCH_LIMIT:
        number /= _EPOCH_STEP
    return datetime.fromtimestamp(number, UTC)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        if name in ("sku", "basket", "session") and isinstance(value, int) and not isinstance(value, bool):
            return str(value)  # ids are often numbers
        raise DraftError(f"{name} is a text.")
    return value.strip()[: CUT.get(name)]


def _uuid(name: str, value: Any) -> UUID:
    if isinstance(value, str):
        try:
            return UUID(value.strip())
        except ValueError:
            pass
    raise DraftError(f"{name} is a UUID, such as 0190d7a1-6c5e-7bbd-9f0e-2d6a5a1f3c44.")


def _whole(name: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    raise DraftError(f"{name} is a whole number.")


def _decimal(value: Any) -> Decimal:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = Decimal(str(value).strip())
        except (InvalidOperation, ValueError):  # a number of more digits than Python turns into text
            raise DraftError("value is a number.") from None
        return number
    raise DraftError("value is a number.")


def _truth(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if text in YES or text in NO:
        return text in YES
    raise DraftError(f"{name} is true or false.")
