"""One way to search: the settings of ranking that an experiment, a comparison or a version may change.

A request carries one (`SearchRequest.configuration`); None there is the search as it is, `Configuration()`. Whatever
reads one of these settings while a search is answered reads it here, so that two ways can be held side by side.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings

PARTS = ("terms", "text", "image", "text_to_image", "behaviour")  # of the fusion
MOST_WEIGHT = 10.0
MOST_MOVE = 50


@dataclass(frozen=True)
class Configuration:
    """What may differ between two searches for the same words. Defaults are the settings of the shop."""

    fusion: tuple[tuple[str, float], ...] = ()  # (part, weight); a part that is not named keeps its usual weight
    ranker: str = "live"  # "live": the published version; "none": the order of the fusion; or a version's number
    semantic: bool = True  # False: words alone, no vectors
    understanding: bool = True  # filters, negations and units read out of the words
    spelling: bool = True
    synonyms: bool = True
    rules: bool = True  # what merchandisers pinned, boosted, buried and hid
    relaxation: bool = True  # of a search that finds nothing
    personal: bool = True
    personal_weight: float = field(default_factory=lambda: settings.SEARCH_PERSONAL_WEIGHT)
    personal_max_move: int = field(default_factory=lambda: settings.SEARCH_PERSONAL_MAX_MOVE)

    def weights(self, usual: Mapping[str, float]) -> dict[str, float]:
        """The usual weights of the fusion's parts, with those that this configuration sets in their place."""
        return {**usual, **{part: weight for part, weight in self.fusion if part in usual}}


def configuration_of(overrides: Mapping[str, Any]) -> Configuration:
    """Read overrides as JSON has them: `{"semantic": false, "fusion": {"terms": 1.5}}`. Only the fields above may come.

    Raises ValueError with a sentence for who wrote them.
    """
    if not isinstance(overrides, Mapping):
        raise ValueError('A configuration is an object, such as {"semantic": false}.')
    read = {name: _READ[name](name, value) for name, value in overrides.items() if _known(name)}
    return Configuration(**read)


def _known(name: Any) -> bool:
    if name not in _READ:
        raise ValueError(f"{str(name)[:40]!r} is no setting of a search. Known are: {', '.join(_READ)}.")
    return True


def _fusion(name: str, value: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, Mapping) or (strange := [part for part in value if part not in PARTS]):
        named = f" {str(strange[0])[:40]!r} is none." if isinstance(value, Mapping) else ""
        raise ValueError(f"{name} holds weights of {', '.join(PARTS)}.{named}")
    return tuple((part, _number(f"{name}.{part}", weight, MOST_WEIGHT)) for part, weight in sorted(value.items()))


def _number(name: str, value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} is a number.")
    if not 0 <= value <= most:
        raise ValueError(f"{name} is between 0 and {most:g}.")
    return float(value)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, float):
        raise ValueError(f"{name} is a whole number.")
    return int(_number(name, value, MOST_MOVE))


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false.")
    return value


def _ranker(name: str, value: Any) -> str:
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if text in ("live", "none") or (text.isascii() and text.isdigit() and len(text) < 10):
        return text
    raise ValueError(f'{name} is "live", "none", or the number of a version.')


_READ: dict[str, Any] = {
    each.name: _switch for each in fields(Configuration) if each.type in (bool, "bool")
} | {
    "fusion": _fusion,
    "ranker": _ranker,
    "personal_weight": lambda name, value: _number(name, value, 1.0),
    "personal_max_move": _whole,
}  # fmt: skip
