"""Text as it enters the catalogue: cleaned once, here, so that nothing behind it meets markup or broken encodings.

Cleaning repairs what has one sensible reading (mojibake, markup, control characters, white space) and refuses the rest
with a sentence (`TextError`). Cleaning twice gives the same text as cleaning once.
"""

import html
import re
import unicodedata
import uuid
from collections.abc import Iterable, Sequence

import ftfy
import nh3
from django.db import models
from django.utils.text import slugify

MAX_RAW_CHARACTERS = 1_000_000  # beyond this nothing is parsed at all
MAX_DESCRIPTION = 100_000

_FTFY = ftfy.TextFixerConfig(unescape_html=False, uncurl_quotes=False, normalization="NFC")

# Zero width joiners stay (emoji and Persian need them). The rest of what is invisible goes: it breaks matching, and
# bidirectional overrides and tag characters can make a text read as something other than what it says.
_INVISIBLE = dict.fromkeys(
    [
        *(c for c in range(0x20) if c not in (0x09, 0x0A, 0x0D)),
        *range(0x7F, 0xA0),
        0xAD,  # soft hyphen
        0x61C,
        0x180E,
        0x200B,
        0x200E,
        0x200F,
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        *range(0xFFF0, 0xFFFC),
        *range(0xD800, 0xE000),
        *range(0xFDD0, 0xFDF0),
        *(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF)),
        *range(0xE0000, 0xE0080),
    ]
)

_TAGS = (
    "a|abbr|address|article|aside|audio|b|base|big|blockquote|body|br|button|canvas|caption|center|cite|code|col|"
    "colgroup|dd|del|details|dfn|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|frame|h1|h2|h3|h4|h5|"
    "h6|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|math|meta|nav|noscript|"
    "object|ol|option|p|param|picture|pre|q|s|samp|script|section|select|small|source|span|strike|strong|style|sub|"
    "summary|sup|svg|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|track|tt|u|ul|var|video"
)
_MARKUP = re.compile(rf"<(?:/?(?:{_TAGS})(?=[\s/>])[^<]*>|!--|!doctype|!\[cdata\[)", re.IGNORECASE)
_ESCAPED_MARKUP = re.compile(rf"&lt;/?(?:{_TAGS})(?:\s|/|&gt;)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_REPEATED_AMPERSAND = re.compile(r"&(?:amp;)+(?=#|[a-z])", re.IGNORECASE)
_PARAGRAPHS = {"p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"}
_ITEMS = {"li", "dt"}
_LINES = {"br", "div", "tr", "dd", "hr"}
_CELLS = {"td", "th"}
_LONE_SURROGATE = re.compile("[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")
_ROUNDS = 8  # a text that is still changing after this many rounds was made to do so


class TextError(ValueError):
    """A text that cannot be taken; the message is a sentence for the person who sent it."""


def clean_text(value: str, *, limit: int | None = None, name: str = "text") -> str:
    """Return one line of plain text: encodings repaired, markup and invisible characters removed, NFC.

    Raises `TextError` when the text is longer than `limit` characters after cleaning (``name`` says which field).
    """
    _check_raw(value, name)
    if value.isascii() and value.isprintable() and "<" not in value and "&" not in value:
        cleaned = " ".join(value.split())
    else:
        cleaned = " ".join(_plain(value).split())
    return _bounded(cleaned, limit, name)


def clean_html(value: str, *, limit: int | None = MAX_DESCRIPTION, name: str = "text") -> str:
    """Return plain text of several lines: paragraphs apart by an empty line, list items as lines that begin with "• ".

    Scripts and styles go with their content. A text without markup keeps its own lines. Errors as in `clean_text`.
    """
    _check_raw(value, name)
    lines = [" ".join(line.split()) for line in _plain(value).split("\n")]
    kept: list[str] = []
    for line in lines:
        if line in ("", "•"):
            if kept and kept[-1]:
                kept.append("")
        elif line.startswith("• ") and kept and not kept[-1] and len(kept) > 1 and kept[-2].startswith("• "):
            kept[-1] = line
        else:
            kept.append(line)
    return _bounded("\n".join(kept).strip(), limit, name)


def clean_code(value: str, *, limit: int, name: str) -> str:
    """Return a code (sku, model number) as it identifies: trimmed and NFC. Nothing is repaired, or two could collide.

    Raises `TextError` for control and other invisible characters, and beyond ``limit``.
    """
    _check_raw(value, name)
    code = unicodedata.normalize("NFC", value.strip(" \t\r\n\ufeff\xa0"))
    if any(ord(character) in _INVISIBLE or character in "\t\r\n" for character in code):
        raise TextError(f"{name} contains control or invisible characters")
    return _bounded(code, limit, name)


def normalise_code(value: str) -> str:
    """Return the form under which codes are compared: "DV7-1211 EA" and "dv7-1211ea" are both "dv71211ea"."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    return "".join(character for character in folded if character.isalnum())[:120]


_UNITS = {
    unit.lower(): unit
    for unit in (
        "KB",
        "MB",
        "GB",
        "TB",
        "PB",
        "kHz",
        "MHz",
        "GHz",
        "kW",
        "kWh",
        "mAh",
        "Wh",
        "kg",
        "mg",
        "mm",
        "cm",
        "km",
        "ml",
        "cl",
        "dl",
        "fps",
        "dpi",
        "lm",
        "dB",
        "rpm",
        "bit",
    )
}
_MEASURE = re.compile(rf"(?<![\w.,-])(\d+(?:[.,]\d+)?)[ \u00a0\u202f]?({'|'.join(_UNITS)})(?![\w/-])", re.IGNORECASE)
_INCHES = re.compile(r"(?<![\w.,-])(\d+(?:[.,]\d+)?) ?(?:''|″|”|inch(?:es)?\b)", re.IGNORECASE)


def normalise_units(text: str) -> str:
    """Write measures in one way: "2TB", "2 tb" -> "2 TB"; "15.6inch", "15.6''" -> '15.6"'.

    Only units of two letters and more are touched: "5G", "4K" and "10m" have other readings. Bits and bytes are told
    apart by case alone, so "100 Mb" stays as it is.
    """

    def spaced(match: re.Match[str]) -> str:
        number, unit = match[1], match[2]
        if re.fullmatch("[kmgtp]b", unit, re.IGNORECASE) and not (unit.islower() or unit.isupper()):
            return f"{number} {unit}"
        return f"{number} {_UNITS[unit.lower()]}"

    return _INCHES.sub(r'\1"', _MEASURE.sub(spaced, text.replace("μ", "µ")))


def slug_for(text: str, *, max_length: int, fallback: str = "item") -> str:
    """Return a slug of letters and digits of any script, cut at a word where that loses little."""
    slug = slugify(text, allow_unicode=True).strip("-_")
    if len(slug) > max_length:
        cut = slug[:max_length]
        head, _, _ = cut.rpartition("-")
        slug = (head if len(head) > max_length // 2 else cut).strip("-_")
    return slug or slugify(fallback, allow_unicode=True)[:max_length].strip("-_") or "item"


def unique_slugs(
    model: type[models.Model], wanted: Iterable[tuple[str, str]], *, exclude_pk: int | None = None
) -> list[str]:
    """Return a free slug for each (text, key), in order, with two or three queries for the whole batch.

    The key (a sku) is appended where the text's own slug is taken, so that a thousand products of one title need no
    counting. Call it inside the transaction that saves the rows.
    """
    max_length = getattr(model._meta.get_field("slug"), "max_length", None) or 50
    rows = [(text, key) for text, key in wanted]
    plain = [slug_for(text, max_length=max_length, fallback=key or "item") for text, key in rows]
    keyed = [
        _suffixed(slug, slug_for(key, max_length=64, fallback="2"), max_length)
        for slug, (_, key) in zip(plain, rows, strict=True)
    ]
    taken = _taken(model, [*plain, *keyed], exclude_pk)
    chosen: list[str] = []
    for first, second in zip(plain, keyed, strict=True):
        slug = first
        if slug in taken:
            slug = second
        while slug in taken:
            slug = _suffixed(first, uuid.uuid4().hex[:8], max_length)
        taken.add(slug)
        chosen.append(slug)
    return chosen


def unique_slug(model: type[models.Model], text: str, *, key: str = "", exclude_pk: int | None = None) -> str:
    """Return a slug for ``text`` that no other row of ``model`` has."""
    return unique_slugs(model, [(text, key)], exclude_pk=exclude_pk)[0]


def _suffixed(slug: str, suffix: str, max_length: int) -> str:
    return f"{slug[: max_length - len(suffix) - 1].rstrip('-_')}-{suffix}"


def _taken(model: type[models.Model], slugs: Sequence[str], exclude_pk: int | None) -> set[str]:
    rows = model._default_manager.filter(slug__in=set(slugs))
    if exclude_pk is not None:
        rows = rows.exclude(pk=exclude_pk)
    return set(rows.values_list("slug", flat=True))


def _check_raw(value: str, name: str) -> None:
    if len(value) > MAX_RAW_CHARACTERS:
        raise TextError(f"{name} has {len(value):,} characters; at most {MAX_RAW_CHARACTERS:,} are read")


def _bounded(text: str, limit: int | None, name: str) -> str:
    if limit is not None and len(text) > limit:
        raise TextError(f"{name} has {len(text):,} characters; at most {limit:,} are allowed")
    return text


def _plain(text: str) -> str:
    """Markup, entities, mojibake and invisible characters resolved, repeated until nothing changes any more."""
    for _ in range(_ROUNDS):
        before = text
        text = ftfy.fix_text(_LONE_SURROGATE.sub("", text), _FTFY)
        if _MARKUP.search(text):
            text = _without_markup(text)
        elif _ESCAPED_MARKUP.search(text) or _ENTITY.search(text):
            # Feeds escape whole descriptions once more: what appears is looked at again in the next round.
            text = html.unescape(_REPEATED_AMPERSAND.sub("&", text))
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
        if text == before:
            break
    return text


def _without_markup(text: str) -> str:
    # nh3 parses as a browser does and escapes every other "<", so the tags that are left can be replaced by pattern.
    # Lines of the source mean nothing in HTML; only tags make new ones.
    safe = nh3.clean(text, tags=_PARAGRAPHS | _ITEMS | _LINES | _CELLS, attributes={}, link_rel=None)
    # Not r"\s*\n\s*", whose time grows with the square of a run of spaces.
    safe = re.sub(r"\s+", lambda blank: " " if "\n" in blank[0] else blank[0], safe)
    return html.unescape(_TAG.sub(_whitespace_of, safe))


_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)>")


def _whitespace_of(tag: re.Match[str]) -> str:
    closing, name = tag.groups()
    if name in _PARAGRAPHS:
        return "\n\n"
    if name in _ITEMS:
        return "\n" if closing else "\n• "
    return " " if name in _CELLS else "\n"
