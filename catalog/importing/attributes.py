"""The attributes of a product or a variant in one raw row: names in one form, values that a facet can count."""

import math
from typing import Any

from catalog.importing.columns import attribute_name
from catalog.importing.values import RowError, bounded, is_empty, json_of, line_of, shown
from catalog.text import normalise_units

MAX_NAME, MAX_VALUE = 100, 10_000  # characters


def attributes_of(value: object, field: str) -> dict[str, Any]:
    """Return an object, or its JSON, as attributes. Raises `RowError`."""
    if is_empty(value):
        return {}
    if isinstance(value, str):
        value = json_of(value, field)
    if not isinstance(value, dict):
        raise RowError(field, f"an object of names and values is expected, this is {shown(value)}")
    found = {}
    for name, inner in value.items():
        if not is_empty(inner):
            key = attribute_name(line_of(str(name), f"the name of an attribute in {field}", MAX_NAME))
            if key:
                found[key] = attribute_of(inner, f"{field}.{key}")
    return found


def attribute_of(value: object, name: str) -> Any:
    """Return one value: a text on one line, with units in one form; a number, a truth, or a list of them."""
    if isinstance(value, str):
        return normalise_units(line_of(value, name, MAX_VALUE))
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        if not math.isfinite(value) or abs(value) > 2**53:
            raise RowError(name, f"{value} is not a value")
        return value
    if isinstance(value, list):
        scalars = [inner for inner in bounded(value, name) if not is_empty(inner)]
        if any(isinstance(inner, (list, dict)) for inner in scalars):
            raise RowError(name, "a list of texts or numbers is expected, this one holds lists or objects")
        return [attribute_of(inner, name) for inner in scalars]
    raise RowError(name, "a text, a number, true or false, or a list of them is expected, this is an object")


def number_in(value: Any) -> Any:
    """A cell that is exactly how a number is written becomes one; "007" and "1.50" keep their form."""
    if isinstance(value, str) and len(value) <= 12:
        for kind in (int, float):
            try:
                if str(kind(value)) == value and math.isfinite(number := kind(value)):
                    return number
            except ValueError:
                continue
    return value
