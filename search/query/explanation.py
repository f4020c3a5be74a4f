"""The parts of a score, for who wants to know why a hit is where it is."""

from typing import Any

from search import merchandising
from search.index.schema import IMAGE, TERMS, TEXT
from search.query import kinds, personal, preferring, ranking
from search.query.fusion import Scored

_ORDER = [
    "exact", TERMS, TEXT, IMAGE, kinds.KIND, preferring.PREFERRED, *ranking.PARTS, *merchandising.PARTS,
    merchandising.PROMOTION, personal.PERSONAL,
]  # fmt: skip


def explain(scored: Scored) -> dict[str, Any]:
    """The parts of a score: each part's own score and rank, its weight, and what it added to the whole."""
    return {name: dict(part) for name, part in sorted(scored.parts.items(), key=lambda item: _ORDER.index(item[0]))}
