"""Single values of a row: prices, counts, dates, codes, lists. Each raises `RowError` with the field and the reason."""

import math
import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import orjson

from catalog.text import MAX_DESCRIPTION, TextError, clean_code, clean_html, clean_text

MAX_LIST = 500  # tags, codes, variants, values of one attribute
MAX_STOCK = 2_147_483_647
MAX_PRICE = Decimal("9999999999.99")
_CENT = Decimal("0.01")
_SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₽": "RUB",
    "zł": "PLN",
    "₺": "TRY",
    "₩": "KRW",
    "Kč": "CZK",
}
_DOLLARS = {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"}
_PRICE = re.compile(
    r"(?P<before>[^\d.,+-]{0,6}?(?:(?<=[A-Za-z])\.)?)\s*(?P<sign>[+-]?)\s*(?P<middle>[^\d.,+-]{0,6}?)\s*"
    r"(?P<number>\d[\d.,'’\s]*|[.,]\d+)\s*(?P<dash>[-–—]{0,2})\s*(?P<after>[^\d]{0,6})"
)
_IN_STOCK = {"in stock", "in_stock", "instock", "available", "yes", "true", "ja", "oui", "auf lager", "lieferbar"}
_OUT_OF_STOCK = {"out of stock", "out_of_stock", "outofstock", "sold out", "no", "false", "nein", "non", "ausverkauft"}
_STATUSES = {
    **dict.fromkeys(("published", "active", "visible", "true", "yes", "1", "aktiv", "online", "ja"), "published"),
    **dict.fromkeys(("draft", "inactive", "hidden", "false", "no", "0", "inaktiv", "entwurf", "offline"), "draft"),
    **dict.fromkeys(("archived", "deleted", "discontinued", "archiviert"), "archived"),
}  # fmt: skip


class RowError(ValueError):
    """Why a row is not taken. ``field`` is empty where the whole row is meant."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field, self.reason = field, reason


def shown(value: object) -> str:
    """Return a value as a message quotes it: short, on one line."""
    text = str(value)
    return repr(text if len(text) <= 40 else text[:37] + "…")


def is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: object, field: str) -> str:
    """Return a value that should be a text. Numbers are written out; lists and objects are refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RowError(field, f"a text is expected, this is {_kind(value)}")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RowError(field, f"{value} is not a value")
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else str(value)
    return str(value)


def code_of(value: object, name: str, limit: int) -> str:
    """Return a SKU, model number or the like, which may not be empty."""
    try:
        code = clean_code(text_of(value, name), limit=limit, name=name)
    except TextError as error:
        raise RowError("", str(error)) from error
    if not code:
        raise RowError(name, "is missing")
    return code


def line_of(value: object, name: str, limit: int) -> str:
    """Return a text on one line."""
    try:
        return clean_text(text_of(value, name), limit=limit, name=name)
    except TextError as error:
        raise RowError("", str(error)) from error


def lines_of(value: object, name: str, limit: int = MAX_DESCRIPTION) -> str:
    """Return a text of several lines, without markup."""
    try:
        return clean_html(text_of(value, name), limit=limit, name=name)
    except TextError as error:
        raise RowError("", str(error)) from error


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", bool: "true or false"}
    return kinds.get(type(value), type(value).__name__)


def price_of(value: object, field: str, *, decimal: str = "", home_currency: str = "EUR") -> tuple[Decimal, str]:
    """Return a price of two decimals and the currency written with it ("" if none).

    Reads "1.234,56 €", "$1,234.56", "1 234,56", "1'234.50", "12,-", numbers. A comma with three digits behind it
    separates thousands; a point with three digits behind it can be read in two ways, and is refused unless ``decimal``
    ("." or ",") says which sign the file uses.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise RowError(field, f"a number is expected, this is {_kind(value)}")
    currency = ""
    if isinstance(value, str):
        number, currency = _read_price(value, field, decimal, home_currency)
    else:
        if not math.isfinite(value):
            raise RowError(field, f"{value} is not a price")
        number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if number < 0:
        raise RowError(field, f"{shown(value)} is negative")
    if number > MAX_PRICE:
        raise RowError(field, f"{shown(value)} is more than {MAX_PRICE:,}")
    return number.quantize(_CENT, ROUND_HALF_UP), currency


def _read_price(text: str, field: str, decimal: str, home_currency: str) -> tuple[Decimal, str]:
    if len(text) > 60 or not (match := _PRICE.fullmatch(text.strip())):
        raise RowError(field, f"{shown(text)} is not a price")
    number = re.sub(r"['’\s]", "", match["number"])
    around = " ".join((match["before"], match["middle"], match["after"]))
    if match["dash"] and not number.endswith((",", ".")):
        raise RowError(field, f"{shown(text)} is not a price")
    currency = _currency_around(around, text, field, home_currency)
    points, commas = number.count("."), number.count(",")
    if points and commas:
        mark = "." if number.rindex(".") > number.rindex(",") else ","
    elif points + commas > 1:
        mark = ""
    elif decimal:
        mark = decimal
    elif points and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", number):
        raise RowError(field, f"{shown(text)} can be read in two ways; say whether the decimal sign is '.' or ','")
    elif commas and re.fullmatch(r"[1-9]\d{0,2},\d{3}", number):
        mark = "."
    else:
        mark = "." if points else ","
    whole, _, fraction = number.partition(mark) if mark else (number, "", "")
    grouped = re.fullmatch(r"\d*|\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}", whole)
    if not grouped or (fraction and not fraction.isdigit()) or not (whole or fraction):
        raise RowError(field, f"{shown(text)} is not a price")
    try:
        result = Decimal(f"{re.sub('[.,]', '', whole) or '0'}.{fraction or '0'}")
    except InvalidOperation as error:
        raise RowError(field, f"{shown(text)} is not a price") from error
    return (-result if match["sign"] == "-" else result), currency


def _currency_around(around: str, text: str, field: str, home_currency: str) -> str:
    word = around.strip().strip(".").strip()
    if not word:
        return ""
    if word == "$":
        return home_currency if home_currency in _DOLLARS else "USD"
    if word in _SYMBOLS:
        return _SYMBOLS[word]
    if word.casefold() in ("rs", "inr"):
        return "INR"
    if re.fullmatch("[A-Za-z]{3}", word):
        return word.upper()
    if re.fullmatch(r"(US|CA|AU|NZ|HK|S)\s?\$", word):
        return {"US": "USD", "CA": "CAD", "AU": "AUD", "NZ": "NZD", "HK": "HKD", "S": "SGD"}[word.rstrip("$ ")]
    raise RowError(field, f"{shown(text)} is not a price")


def currency_of(value: object) -> str:
    text = text_of(value, "currency").strip()
    if text in _SYMBOLS:
        return _SYMBOLS[text]
    if not re.fullmatch("[A-Za-z]{3}", text):
        raise RowError("currency", f"{shown(text)} is not a currency code of three letters")
    return text.upper()


def count_of(value: object, field: str) -> int:
    """Return a stock. "in stock" and its like count as 1, "out of stock" as 0."""
    if isinstance(value, str):
        text = value.strip().casefold()
        if text in _IN_STOCK:
            return 1
        if text in _OUT_OF_STOCK:
            return 0
        if not re.fullmatch(r"[+-]?\d{1,18}(?:[.,]0+)?", text):
            raise RowError(field, f"{shown(value)} is not a whole number")
        number = int(re.split("[.,]", text)[0])
    elif isinstance(value, int) or (isinstance(value, float) and math.isfinite(value) and value.is_integer()):
        number = int(value)
    else:
        raise RowError(field, f"{shown(value)} is not a whole number")
    if number < 0:
        raise RowError(field, f"{number} is negative")
    if number > MAX_STOCK:
        raise RowError(field, f"{number} is more than {MAX_STOCK:,}")
    return number


def status_of(value: object) -> str:
    text = str(value).strip().casefold() if isinstance(value, (str, bool, int)) else ""
    if text not in _STATUSES:
        raise RowError("status", f"{shown(value)} is none of published, draft, archived")
    return _STATUSES[text]


def date_of(value: object, field: str) -> date:
    """Return a day from an ISO 8601 date or time, "31.12.2009", or a year alone."""
    text = text_of(value, field).strip()
    try:
        if re.fullmatch(r"\d{4}", text):
            found = date(int(text), 1, 1)
        elif match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
            found = date(int(match[3]), int(match[2]), int(match[1]))
        elif match := re.match(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:$|[T ])", text):
            found = date(int(match[1]), int(match[2]), int(match[3]))
        else:
            found = datetime.fromisoformat(text).date()
    except ValueError as error:
        raise RowError(field, f"{shown(text)} is not a date; write it as 2009-12-31") from error
    if found.year < 1000:
        raise RowError(field, f"{shown(text)} is not a plausible date")
    return found


def ean_of(value: object) -> str:
    """Return a GTIN of 8, 12, 13 or 14 digits whose check digit is right (GS1 General Specifications, section 7.9).

    Spreadsheets drop leading zeros: where putting them back makes the check digit right, that is what was meant.
    """
    digits = re.sub(r"[\s-]", "", text_of(value, "ean"))
    if not re.fullmatch(r"[0-9]{6,14}", digits):
        raise RowError("ean", f"{shown(value)} is not a number of 8, 12, 13 or 14 digits")
    if len(digits) not in (8, 12, 13, 14):
        digits = digits.zfill(13)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits[:-1])))
    if (10 - total % 10) % 10 != int(digits[-1]):
        raise RowError("ean", f"the check digit of {shown(value)} is wrong")
    return digits


def list_of(value: object, field: str, *, pattern: str = r"[|;,\n]") -> list[object]:
    """Return a list from a list, from JSON in a cell, or from a cell with separators. Empty: an empty list."""
    if is_empty(value):
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            decoded = json_of(value, field)
            if isinstance(decoded, list):
                return decoded
        return [part.strip() for part in re.split(pattern, value) if part.strip()]
    if isinstance(value, (int, float, dict)) and not isinstance(value, bool):
        return [value]
    raise RowError(field, f"a list is expected, this is {_kind(value)}")


def json_of(text: str, field: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RowError(field, f"the cell begins like JSON and is not: {error}") from error


def unique(values: Iterable[str]) -> list[str]:
    """Return the values in order, each once, compared without case."""
    seen: dict[str, str] = {}
    for value in values:
        seen.setdefault(value.casefold(), value)
    return list(seen.values())


def bounded(values: list[object], name: str) -> list[object]:
    """Return the list. Raises `RowError` where it is longer than MAX_LIST."""
    if len(values) > MAX_LIST:
        raise RowError(name, f"the list has {len(values)} entries; at most {MAX_LIST} are allowed")
    return values
