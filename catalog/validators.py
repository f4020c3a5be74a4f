"""What may be stored as JSON on a product: small, flat, and storable in every database."""

import math
from typing import Any

from django.core.exceptions import ValidationError

MAX_KEYS = 500
MAX_CHARACTERS = 100_000  # all texts of one value together
MAX_INTEGER = 2**53  # beyond it, JavaScript and the vector store read another number


def storable_text(text: str) -> None:
    """Raise ValidationError for what no database takes as text: null characters and lone surrogates."""
    if "\x00" in text:
        raise ValidationError("Null characters are not allowed.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValidationError("Lone surrogates are not allowed; is the text broken UTF-16?")


def attributes(value: Any) -> None:
    """A JSON object whose values are text, numbers, true, false, null, or lists of these."""
    _object(value)
    for name, entry in value.items():
        for item in entry if isinstance(entry, list) else [entry]:
            if isinstance(item, list | dict):
                raise ValidationError(f"The attribute {name[:50]!r} is nested too deeply: give a value or a list.")
            _scalar(item)
    _bounded(value)


def translations(value: Any) -> None:
    """A JSON object from language codes to objects of texts: {"de": {"title": "…"}}."""
    _object(value)
    for language, texts in value.items():
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise ValidationError(f"The translation {language[:20]!r} must be an object of texts.")
        for name, text in texts.items():
            storable_text(name)
            storable_text(text)
    _bounded(value)


def _object(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValidationError("Give a JSON object.")
    if len(value) > MAX_KEYS:
        raise ValidationError(f"{len(value):,} names are too many; at most {MAX_KEYS} are allowed.")
    for name in value:
        storable_text(name)
        if not 0 < len(name.strip()) <= 100:
            raise ValidationError("Names have between 1 and 100 characters.")


def _scalar(value: Any) -> None:
    if isinstance(value, str):
        storable_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValidationError("NaN and Infinity are not numbers that can be stored.")
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise ValidationError("Whole numbers go up to 2^53.")


def _bounded(value: dict[str, Any]) -> None:
    size = _characters(value)
    if size > MAX_CHARACTERS:
        raise ValidationError(f"{size:,} characters are too many; at most {MAX_CHARACTERS:,} are allowed.")


def _characters(value: Any) -> int:
    if isinstance(value, dict):
        return sum(len(name) + _characters(entry) for name, entry in value.items())
    if isinstance(value, list):
        return sum(map(_characters, value)) + len(value)
    return len(value) if isinstance(value, str) else 8
