"""Measures in a query, written as the catalogue's own are found: "2 tb" -> "2TB", "15.6 inch" -> '15.6"'."""

import re

from catalog.text import normalise_units

# The catalogue holds "2 TB", and the index joins neighbours: written as one word, a measure is one term in place of a
# bare number and a unit, which are both everywhere.
_SPACED_UNITS = "[KMGTP]B|[kMG]Hz|kWh?|mAh|Wh|[km]g|[mck]m|[mcd]l|fps|dpi|lm|dB|rpm|bit"
_SPACED = re.compile(rf"(?<![\w.,-])(\d+(?:[.,]\d+)?) (?=(?:{_SPACED_UNITS})(?!\w))")
_ZOLL = re.compile(r"(?<=\d)[ -]?(?:inch(?:es)?|zoll|pouces?|pulgadas?|英寸|インチ)(?!\w)", re.IGNORECASE)
# Written out, where the catalogue writes them short. After a number it is no brand either ("Gigabyte").
_BYTES = re.compile(r"(?<=\d)[ -]?(tera|giga|mega)(?:bytes?|octets?)(?!\w)", re.IGNORECASE)


def measures(text: str) -> str:
    """The query with its measures in one form. Applying it twice changes nothing more."""
    short = _BYTES.sub(lambda match: f" {match[1][0].upper()}B", _ZOLL.sub(" inch", text))
    return _SPACED.sub(r"\1", normalise_units(short))
