"""One raw row into what a product should be: every value checked, every text cleaned.

A field that the row lacks is left alone in the database; a field that is there and empty is cleared. A stock that is
empty is unknown, and left alone as well.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from catalog.importing.attributes import attribute_of, attributes_of, number_in
from catalog.importing.columns import Columns
from catalog.importing.values import (
    RowError,
    bounded,
    code_of,
    count_of,
    currency_of,
    date_of,
    ean_of,
    is_empty,
    json_of,
    line_of,
    lines_of,
    list_of,
    price_of,
    shown,
    status_of,
    unique,
)

MAX_ATTRIBUTES = 400
MAX_CATEGORY_DEPTH = 8
MAX_PICTURES = 50
_PICTURE_SEPARATORS = r"[|;\n]|,(?=\s*https?://)|,\s+|,(?=[^,\s]+\.(?:jpe?g|png|webp|gif|avif|bmp)\b)"
_CATEGORY_SEPARATORS = r"\s*[>›»]\s*|\s+/\s+"
_UNSURE_STOCK = ("unknown", "n/a", "na", "-")


@dataclass(frozen=True, slots=True)
class PictureRef:
    """A picture as a row names it: a file below the catalogue's folder, or an address. ``alt`` None: not said."""

    location: str
    alt: str | None = None

    @property
    def is_address(self) -> bool:
        return "://" in self.location


@dataclass(frozen=True, slots=True)
class VariantRow:
    sku: str
    title: str
    attributes: dict[str, Any]
    price: Decimal | None
    stock: int


@dataclass(slots=True)
class ProductRow:
    """What a row says about a product. ``values`` holds the fields that it names, cleaned.

    Keys are fields of `Product`, and ``category`` (path, a tuple), ``brand``, ``store`` (names), ``tags``, ``ean``
    (sorted lists of texts), ``variants`` (list of `VariantRow`).
    """

    line: int
    sku: str
    values: dict[str, Any] = field(default_factory=dict)
    pictures: list[PictureRef] | None = None
    warnings: list[str] = field(default_factory=list)

    def content_hash(self, signatures: list[str]) -> str:
        """Return a SHA-256 over all that the row says. ``signatures`` stand for the contents of its pictures."""
        pictures = None if self.pictures is None else [(ref.location, ref.alt) for ref in self.pictures]
        canonical = orjson.dumps(
            ["1", self.sku, self.values, pictures, signatures], option=orjson.OPT_SORT_KEYS, default=str
        )
        return hashlib.sha256(canonical).hexdigest()


@dataclass(frozen=True, slots=True)
class RowRules:
    """What holds for every row of one import."""

    status: str = "published"  # of new products whose row does not say
    stock: int = 1  # of new products whose row does not say: a catalogue without a stock column is there to be sold
    currency: str = "EUR"
    decimal: str = ""  # "." or ",": the decimal sign of prices, where a price alone cannot tell
    from_table: bool = False  # cells are texts: numbers among attributes are recognised
    only_store: str = ""  # the name of the one store whose products may be written; empty: any


def parse_row(line: int, raw: Mapping[str, object], columns: Columns, rules: RowRules) -> ProductRow:
    """Return the checked row. Raises `RowError` for whatever makes it unusable; what can be left out is a warning."""
    given = columns.apply(raw)
    if is_empty(given.get("sku")):
        raise RowError("sku", "is missing")
    row = ProductRow(line, code_of(given["sku"], "sku", 64))
    _texts(row, given)
    _prices(row, given, rules)
    _facts(row, given)
    _taxonomy(row, given)
    _codes(row, given)
    _attributes(row, given, rules)
    _translations(row, given)
    if "variants" in given:
        row.values["variants"] = _variants(given["variants"], rules)
    if "images" in given:
        row.pictures = _pictures(row, given["images"])
    return row


def _texts(row: ProductRow, given: Mapping[str, object]) -> None:
    if "title" in given:
        title = "" if is_empty(given["title"]) else line_of(given["title"], "title", 500)
        if not title:
            raise RowError("title", "is empty")
        row.values["title"] = title
    if "description" in given:
        row.values["description"] = (
            "" if is_empty(given["description"]) else lines_of(given["description"], "description")
        )
    if "family" in given:
        row.values["family"] = "" if is_empty(given["family"]) else line_of(given["family"], "family", 120)


def _prices(row: ProductRow, given: Mapping[str, object], rules: RowRules) -> None:
    found: dict[str, Decimal | None] = {}
    currencies: set[str] = set()
    for name in ("price", "sale_price", "compare_at_price"):
        if name not in given:
            continue
        if is_empty(given[name]):
            found[name] = None
            continue
        found[name], currency = price_of(given[name], name, decimal=rules.decimal, home_currency=rules.currency)
        currencies |= {currency} - {""}
    if "price_cents" in given and found.get("price") is None:
        cents = given["price_cents"]
        found["price"] = None if is_empty(cents) else price_of(cents, "price_cents")[0] / 100
        if found["price"] is not None:
            found["price"] = found["price"].quantize(Decimal("0.01"))
    sale = found.pop("sale_price", None)
    if sale is not None:
        regular = found.get("price")
        found["price"] = sale
        if regular is not None and regular > sale:
            found["compare_at_price"] = regular
    row.values |= found
    if not is_empty(given.get("currency")):
        currencies.add(currency_of(given["currency"]))
    if len(currencies) > 1:
        raise RowError("currency", f"the row names several: {', '.join(sorted(currencies))}")
    if currencies:
        row.values["currency"] = currencies.pop()


def _facts(row: ProductRow, given: Mapping[str, object]) -> None:
    stock = given.get("stock")
    if not is_empty(stock) and str(stock).strip().casefold() not in _UNSURE_STOCK:
        row.values["stock"] = count_of(stock, "stock")
    if not is_empty(given.get("status")):
        row.values["status"] = status_of(given["status"])
    if "released" in given:
        value = given["released"]
        nothing = is_empty(value) or (isinstance(value, str) and value.startswith("0000"))
        row.values["released"] = None if nothing else date_of(value, "released")


def _taxonomy(row: ProductRow, given: Mapping[str, object]) -> None:
    for name in ("brand", "store"):
        if name in given:
            row.values[name] = "" if is_empty(given[name]) else line_of(given[name], name, 160)
    if "category" in given:
        parts = list_of(given["category"], "category", pattern=_CATEGORY_SEPARATORS)
        path = tuple(line_of(part, "category", 120) for part in parts if not is_empty(part))
        if len(path) > MAX_CATEGORY_DEPTH:
            raise RowError("category", f"the path has {len(path)} levels; at most {MAX_CATEGORY_DEPTH} are allowed")
        if len(" > ".join(path)) > 500:
            raise RowError("category", "the path has more than 500 characters")
        row.values["category"] = tuple(part for part in path if part)
    if "tags" in given:
        tags = [line_of(tag, "tags", 160) for tag in bounded(list_of(given["tags"], "tags"), "tags")]
        row.values["tags"] = sorted(unique(tag for tag in tags if tag))


def _codes(row: ProductRow, given: Mapping[str, object]) -> None:
    if "mpn" in given:
        row.values["mpn"] = ""
        if not is_empty(given["mpn"]):
            mpn = code_of(given["mpn"], "mpn", 100_000)
            if len(mpn) <= 120:
                row.values["mpn"] = mpn
            else:
                row.warnings.append(f"mpn: has {len(mpn)} characters, more than 120, and was left out")
    if "ean" in given:
        eans: set[str] = set()
        for value in bounded(list_of(given["ean"], "ean"), "ean"):
            try:
                eans.add(ean_of(value))
            except RowError as error:
                row.warnings.append(f"{error}; the code was left out")
        row.values["ean"] = sorted(eans)


def _attributes(row: ProductRow, given: Mapping[str, object], rules: RowRules) -> None:
    if "attributes" not in given:
        return
    found = attributes_of(given["attributes"], "attributes")
    extra = given.get("column_attributes")
    if isinstance(extra, dict):
        for name, value in extra.items():
            if isinstance(value, dict):
                found |= attributes_of({f"{name}_{inner}": leaf for inner, leaf in value.items()}, name)
            elif not is_empty(value):
                cleaned = attribute_of(value, name)
                found[name] = number_in(cleaned) if rules.from_table else cleaned
    if len(found) > MAX_ATTRIBUTES:
        raise RowError("attributes", f"there are {len(found)}; at most {MAX_ATTRIBUTES} are allowed")
    row.values["attributes"] = {name: value for name, value in found.items() if value not in ("", [])}


def _translations(row: ProductRow, given: Mapping[str, object]) -> None:
    found: dict[str, dict[str, str]] = {}
    own = given.get("translations")
    if not is_empty(own):
        if isinstance(own, str):
            own = json_of(own, "translations")
        if not isinstance(own, dict) or not all(isinstance(fields, dict) for fields in own.values()):
            raise RowError("translations", 'an object like {"de": {"title": "…"}} is expected')
        for language, fields in own.items():
            for name, text in fields.items():
                _add_translation(found, language, name, text)
    extra = given.get("column_translations")
    if isinstance(extra, dict):
        for (language, name), text in extra.items():
            _add_translation(found, language, name, text)
    if "translations" in given or extra:
        row.values["translations"] = found


def _add_translation(found: dict[str, dict[str, str]], language: str, name: str, text: object) -> None:
    code = language.strip().lower().replace("_", "-") if isinstance(language, str) else ""
    if not (2 <= len(code) <= 10 and code.replace("-", "").isalnum() and code.isascii()):
        raise RowError("translations", f"{shown(language)} is not the code of a language")
    if name not in ("title", "description"):
        raise RowError("translations", f"{shown(name)} cannot be translated; title and description can")
    if is_empty(text):
        return
    where = f"translations.{code}.{name}"
    found.setdefault(code, {})[name] = line_of(text, where, 500) if name == "title" else lines_of(text, where)


def _variants(value: object, rules: RowRules) -> list[VariantRow]:
    variants: dict[str, VariantRow] = {}
    for number, item in enumerate(bounded(list_of(value, "variants"), "variants"), start=1):
        where = f"variants[{number}]"
        if not isinstance(item, dict):
            raise RowError(where, 'an object like {"sku": "…", "title": "…", "stock": 3} is expected')
        if is_empty(item.get("sku")):
            raise RowError(f"{where}.sku", "is missing")
        sku = code_of(item["sku"], f"{where}.sku", 64)
        if sku in variants:
            raise RowError(f"{where}.sku", f"{shown(sku)} is named twice")
        title = "" if is_empty(item.get("title")) else line_of(item["title"], f"{where}.title", 200)
        price = None
        if not is_empty(item.get("price")):
            price, _ = price_of(item["price"], f"{where}.price", decimal=rules.decimal, home_currency=rules.currency)
        stock = item.get("stock")
        variants[sku] = VariantRow(
            sku=sku,
            title=title or sku,
            attributes=attributes_of(item.get("attributes"), f"{where}.attributes"),
            price=price,
            stock=rules.stock if is_empty(stock) else count_of(stock, f"{where}.stock"),
        )
    return list(variants.values())


def _pictures(row: ProductRow, value: object) -> list[PictureRef]:
    found: dict[str, PictureRef] = {}
    for entry in list_of(value, "images", pattern=_PICTURE_SEPARATORS):
        # Several columns of pictures arrive as a list of cells, each of which may name several.
        for item in [entry] if isinstance(entry, dict) else list_of(entry, "images", pattern=_PICTURE_SEPARATORS):
            alt: str | None = None
            location: object = item
            if isinstance(item, dict):
                location = item.get("file") or item.get("url") or item.get("src")
                alt = None if item.get("alt") is None else line_of(item["alt"], "images.alt", 300)
            if not isinstance(location, str) or not location.strip():
                raise RowError("images", 'a file name, an address, or an object with "file" or "url" is expected')
            location = location.strip()
            if len(location) > 1000 or not location.isprintable():
                raise RowError("images", f"{shown(location)} is not a file name or an address")
            if location in found:
                row.warnings.append(f"images: {shown(location)} is named twice and was taken once")
            found.setdefault(location, PictureRef(location, alt))
    if len(found) > MAX_PICTURES:
        raise RowError("images", f"there are {len(found)}; at most {MAX_PICTURES} are allowed")
    return list(found.values())
