"""Form fields for what would otherwise be typed as JSON or in several rows."""

import json
import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog import validators


class AttributesField(forms.Field):
    """Attributes as lines of "name: value".

    A value that reads as a JSON number, true, false, null, list or quoted text is that; anything else is text. What is
    shown and saved again unchanged gives the very same attributes.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 8, "placeholder": "colour: red"}))
        options.setdefault("help_text", 'One a line, as in colour: red, weight_g: 120, or sizes: ["S", "M"].')
        super().__init__(required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return _lines(value) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number, line in enumerate((value or "").replace("\r", "").split("\n"), start=1):
            if not line.strip():
                continue
            name, entry = _parted(line.strip())
            if not name:
                raise ValidationError(f"Line {number} is not of the form “name: value”: {line[:80]}")
            if name in found:
                raise ValidationError(f"Line {number} names “{name[:80]}” a second time.")
            found[name] = _read(entry)
        validators.attributes(found)
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or {}))
        except ValidationError:
            return True


def _lines(value: dict[str, Any]) -> str:
    return "\n".join(f"{_name(name)}: {_written(entry)}" for name, entry in value.items())


def _name(name: str) -> str:
    plain = ":" not in name and name == name.strip() and not name.startswith('"') and name.isprintable()
    return name if plain else json.dumps(name)


def _parted(line: str) -> tuple[str, str]:
    """Return name and value; the name is empty where the line is not of that form."""
    if line.startswith('"'):
        try:
            name, end = json.JSONDecoder().raw_decode(line)
        except ValueError:
            return "", ""
        rest = line[end:].lstrip()
        return (name, rest[1:].strip()) if rest.startswith(":") else ("", "")
    name, colon, entry = line.partition(":")
    return (name.strip(), entry.strip()) if colon else ("", "")


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _read(text: str) -> Any:
    try:
        # NaN and Infinity are words here, not numbers.
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _written(value: Any) -> str:
    plain = isinstance(value, str) and value == value.strip() and value.isprintable() and _read(value) == value
    return value if plain else json.dumps(value, ensure_ascii=False)


class EansField(forms.Field):
    """EAN, UPC and GTIN numbers, separated by spaces, commas or lines. Cleans to a list of digits."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 2, "placeholder": "4006381333931"}))
        options.setdefault("help_text", "8 to 14 digits each; several are parted by spaces or lines.")
        super().__init__(required=False, **options)

    def to_python(self, value: Any) -> list[str]:
        codes = [code for code in re.split(r"[\s,;]+", value or "") if code]
        for code in codes:
            if not re.fullmatch(r"[0-9]{8,14}", code):
                raise ValidationError(f"“{code[:40]}” is not an EAN: 8 to 14 digits.")
        if len(codes) > 100:
            raise ValidationError("At most 100 EANs.")
        return list(dict.fromkeys(codes))
