"""What people decide about a pair: one product goes, both become a family, or they are two things after all."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog import services
from catalog.models import Product
from search.models import DuplicatePair


class DecisionError(Exception):
    """What was asked for cannot be done. The message says why."""


def archive_one(pair: DuplicatePair, gone: Product, *, by: User | None = None) -> None:
    """Take one of the two out of the shop, and keep the other. Raises DecisionError if it is not of the pair."""
    if gone.pk not in (pair.first_id, pair.second_id):
        raise DecisionError("Only one of the two products can be archived.")
    kept = pair.second if gone.pk == pair.first_id else pair.first
    with transaction.atomic():
        _still_open(pair)
        services.archive([gone.pk], by=by, reason=f"Duplicate of {kept.sku}")
        _close(pair, DuplicatePair.State.SAME, f"Archived {gone.sku}, kept {kept.sku}", by)


def make_family(pair: DuplicatePair, *, by: User | None = None) -> None:
    """Mark both as variants of one product. Raises DecisionError where each is in a family of its own already."""
    families = {product.family for product in (pair.first, pair.second)} - {""}
    if len(families) > 1:
        raise DecisionError("Both are in a family of their own already; change one of them on its own page.")
    family = families.pop() if families else pair.first.sku
    with transaction.atomic():
        _still_open(pair)
        for product in (pair.first, pair.second):
            if product.family != family:
                product.family = family
                services.save_product(product, by=by, reason="One family with its duplicate")
        _close(pair, DuplicatePair.State.SAME, f"One family: {family}", by)


def not_a_duplicate(pair: DuplicatePair, *, by: User | None = None) -> None:
    """Keep both as they are. The pair does not come back, whatever is found of it."""
    with transaction.atomic():
        _still_open(pair)
        _close(pair, DuplicatePair.State.DIFFERENT, "", by)


def reopen(pair: DuplicatePair) -> None:
    """Take a decision back. What it changed stays as it is."""
    pair.state, pair.outcome, pair.decided_at, pair.decided_by = DuplicatePair.State.OPEN, "", None, None
    pair.save(update_fields=["state", "outcome", "decided_at", "decided_by"])


def _still_open(pair: DuplicatePair) -> None:
    """Of two people who decide at once, the first one does."""
    locked = DuplicatePair.objects.select_for_update().filter(pk=pair.pk, state=DuplicatePair.State.OPEN)
    if not locked.exists():
        raise DecisionError("Somebody else has decided about this pair meanwhile.")


def _close(pair: DuplicatePair, state: str, outcome: str, by: User | None) -> None:
    pair.state, pair.outcome, pair.decided_at, pair.decided_by = state, outcome[:200], timezone.now(), by
    pair.save(update_fields=["state", "outcome", "decided_at", "decided_by"])
