"""Why a hit is where it is, as a merchandiser reads it on the page: one line for each part of its score.

Shoppers do not get it: it tells how the shop ranks, and what it takes somebody's taste to be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

PERMISSION = "search.view_rankingversion"
LABELS = {
    "exact": "Exact code",
    "terms": "Words",
    "text": "Meaning",
    "text_to_image": "Picture for the words",
    "image": "Picture",
    "kind": "Kind of thing",
    "preferred": "Meets what the words imply",
    "behaviour": "Wanted by shoppers",
    "ranker": "Learned order",
    "cross_encoder": "Query and text read together",
    "personal": "This shopper's taste",
}
LEAST = 0.0005  # of a feature's share of a score, to be worth a line
NAMED = {"rank": "place", "score": "score", "weight": "weight", "position": "at place", "version": "version"}


@dataclass(frozen=True)
class Line:
    """One part. `percent` is its share of the score's largest part, 0 to 100; None where it moved the hit instead."""

    label: str
    told: str
    percent: float | None = None
    lines: tuple["Line", ...] = field(default=())


def may_explain(request: HttpRequest) -> bool:
    """Whether this person may see how hits are ranked. Costs no query for shoppers who are not signed in."""
    user = getattr(request, "user", None)
    return bool(user is not None and user.is_staff and user.has_perm(PERMISSION))


def lines(explanation: Mapping[str, Mapping[str, Any]] | None) -> list[Line] | None:
    """An explanation of the search as lines; None without one."""
    if explanation is None:
        return None
    most = max((abs(part.get("contribution") or 0.0) for part in explanation.values()), default=0.0)
    return [_line(name, part, most) for name, part in explanation.items()]


def _line(name: str, part: Mapping[str, Any], most: float) -> Line:
    told = [f"{NAMED[key]} {_number(value)}" for key, value in part.items() if key in NAMED and value is not None]
    if part.get("moved"):
        told.append(_places(part["moved"]))
    elif "moved" in part and part["moved"] is not None:
        told.append("not moved")
    rules = part.get("rules") or ([part["name"]] if part.get("name") else [])
    told += [str(rule) for rule in rules]
    contribution = part.get("contribution")
    if contribution is not None:
        told.insert(0, f"adds {_number(contribution)}")
    return Line(
        LABELS.get(name, name.replace("_", " ").capitalize()),
        ", ".join(told),
        None if contribution is None or not most else round(100 * min(abs(contribution) / most, 1.0), 1),
        tuple(_features(part.get("features") or {})),
    )


def _features(shares: Mapping[str, float]) -> Iterable[Line]:
    most = max((abs(value) for name, value in shares.items() if name != "base"), default=0.0) or 1.0
    for name, value in shares.items():
        if name != "base" and abs(value) >= LEAST:
            sign = "+" if value >= 0 else "−"
            label = name.replace("_", " ")
            yield Line(label, f"{sign}{abs(value):.3f}", round(100 * min(abs(value) / most, 1.0), 1))


def _places(moved: int) -> str:
    return f"{'up' if moved > 0 else 'down'} {abs(moved)} place{'' if abs(moved) == 1 else 's'}"


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
