"""Hits that meet what the words imply go before others of about the same score.

What a phrase implies is a filter only where the catalogue can be trusted with it (`search.language.attributes`). All
else is a preference: it raises the score by a share and takes nothing away, so a careless description costs a product
a few places and not its place among the hits.
"""

from collections.abc import Sequence

from search.query.fusion import Scored

PREFERRED = "preferred"  # the part's name in an explanation
WEIGHT = 0.1  # a hit that meets all preferences scores so much more, as a share of its score


def prefer(ranked: Sequence[Scored], met_by: Sequence[set[int]], weight: float = WEIGHT) -> list[Scored]:
    """The same hits, best first again. `met_by` holds for each preference the products that meet it."""
    if not any(met_by):
        return list(ranked)
    for scored in ranked:
        share = sum(scored.id in each for each in met_by) / len(met_by)
        if share:
            added = scored.score * weight * share
            scored.parts[PREFERRED] = {"score": share, "weight": weight, "contribution": added}
            scored.score += added
    return sorted(ranked, key=lambda each: each.order)
