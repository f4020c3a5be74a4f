"""A price in the words of a query: "under 50", "zwischen 20 und 40 Euro", "100元以下"."""

import re
from dataclasses import dataclass

from search.language import markers

LARGEST = 1e9


@dataclass(frozen=True)
class Price:
    """Bounds in the shop's currency, None where open, and where the query says so (`start`, `end` of its text)."""

    minimum: float | None
    maximum: float | None
    start: int
    end: int


def _any_of(*groups: tuple[str, ...]) -> str:
    phrases = sorted({phrase for group in groups for phrase in group}, key=len, reverse=True)
    return "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in phrases)


_CURRENCY = _any_of(markers.CURRENCIES)
_NUMBER = r"\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
# A number that goes on is no price: "50mm", "under 15 inch", "20-30 kg", "up to 64 GB", "10%", "x200".
_NEXT = (
    r"(?![a-z\d_%°\"”″'.,]*[a-z\d_%°\"”″])"
    r"(?!\s?(?:英?寸|厘米|毫米|公斤|千克|克|毫?升|瓦|米|岁|个|件|片|インチ|センチ|キロ|人))"
    r"(?!\s*(?:-\s*)?(?:mm|cm|dm|m|km|in|inch(?:es)?|zoll|pouces?|pulgadas|ft|feet|"
    r"g|kg|mg|lbs?|oz|ml|cl|l|liters?|litres?|liter|w|kw|watts?|v|volts?|a|ah|mah|wh|hz|khz|mhz|ghz|kb|mb|gb|tb|"
    r"mbps|gbps|mp|megapixels?|dpi|fps|rpm|db|bit|bits|px|pixels?|°|%|years?|months?|days?|hours?|hrs?|minutes?|min|"
    r"jahren?|monaten?|ans|mois|años|people|persons?|personen|pieces?|pcs|pack|ports?|cores?|bar|psi|lumens?|lm)"
    r"(?!\w))"
)


def _amount_as(name: str) -> str:
    return (
        rf"(?P<{name}c>(?:{_CURRENCY})\s?)?(?P<{name}>{_NUMBER})(?P<{name}k>k(?!\w))?"
        rf"(?:\s?(?P<{name}d>{_CURRENCY})(?![a-z]))?"
    )


_LOW, _HIGH = _amount_as("low"), _amount_as("high")
_START = r"(?<![\w.,/-])"
_PATTERNS = [
    *(
        (re.compile(rf"{_START}{first}\s+{_LOW}\s+{second}\s+{_HIGH}{_NEXT}", re.IGNORECASE), False)
        for first, second in markers.BETWEEN
    ),
    (re.compile(rf"{_START}{_LOW}\s*(?:{_any_of(markers.RANGE)})\s*{_HIGH}{_NEXT}", re.IGNORECASE), True),
    (re.compile(rf"(?<![\d.,]){_HIGH}\s?(?:{_any_of(markers.AT_MOST_AFTER)})"), True),
    (re.compile(rf"(?<![\d.,]){_LOW}\s?(?:{_any_of(markers.AT_LEAST_AFTER)})"), True),
    (re.compile(rf"{_START}(?:{_any_of(markers.AT_MOST)})\s*{_HIGH}{_NEXT}", re.IGNORECASE), False),
    (re.compile(rf"{_START}(?:{_any_of(markers.AT_LEAST)})\s*{_LOW}{_NEXT}", re.IGNORECASE), False),
    (re.compile(rf"{_START}(?:{_any_of(markers.AT_MOST_WITH_CURRENCY)})\s*{_HIGH}{_NEXT}", re.IGNORECASE), True),
    (re.compile(rf"{_START}(?:{_any_of(markers.AT_LEAST_WITH_CURRENCY)})\s*{_LOW}{_NEXT}", re.IGNORECASE), True),
]


def find_price(text: str) -> Price | None:
    """The first price that a query names, or None. Bounds in the wrong order change places."""
    for pattern, needs_currency in _PATTERNS:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            if needs_currency and not any(groups.get(name) for name in ("lowc", "lowd", "highc", "highd")):
                continue
            low, high = _amount(groups, "low"), _amount(groups, "high")
            if not (low or high) or max(low or 0, high or 0) > LARGEST:
                continue
            if low is not None and high is not None and low > high:
                low, high = high, low
            return Price(low, high, match.start(), match.end())
    return None


def _amount(groups: dict[str, str | None], name: str) -> float | None:
    """1,299.50 and 1.299,50 alike: what follows the last mark is a fraction unless it has three digits."""
    written = groups.get(name)
    if not written:
        return None
    head, mark, tail = written, "", ""
    for position in range(len(written) - 1, -1, -1):
        if written[position] in ".,":
            head, mark, tail = written[:position], written[position], written[position + 1 :]
            break
    if mark and len(tail) == 3:
        head, tail = head + tail, ""
    value = float(re.sub(r"\D", "", head) + ("." + tail if tail else ""))
    return value * 1000 if groups.get(f"{name}k") else value
