"""Merchandisers' say in a search: rules that pin, boost, bury, hide and redirect, and promotions within bounds."""

from search.merchandising.outcome import PARTS, Outcome, around_pins
from search.merchandising.promotions import PROMOTION, lifted
from search.merchandising.rules import outcome_for, outcome_of

__all__ = ["PARTS", "PROMOTION", "Outcome", "around_pins", "lifted", "outcome_for", "outcome_of"]
