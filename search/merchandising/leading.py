"""Searches that a rule leads elsewhere: "returns" to the page about returns."""

from typing import Any

from search.merchandising.redirects import query_of
from search.merchandising.rules import outcome_for
from search.merchandising.segments import segments_of
from search.query.personal import shopper_of


def address_for(request: Any) -> str:
    """Where the page of results leads to for the words in its address; "" where it shows results.

    An address that searches for words which a rule leads on in turn is not gone to: two rules could lead in a circle.
    """
    q, category = (request.GET.get(name, "")[:300].replace("\x00", "") for name in ("q", "category"))
    if not q.strip():
        return ""
    address = outcome_for(q, category, lambda: segments_of(shopper_of(request))).redirect
    words = query_of(address) if address else None
    if words is None:
        return address
    return "" if outcome_for(words, segment=lambda: segments_of(shopper_of(request))).redirect else address
