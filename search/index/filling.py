"""From one collection to the next: create it beside the live one, fill it through the outbox, move the alias, retire.

A collection is filled by putting the catalogue into the outbox, a portion at a time, while every write goes to all the
active collections. So a product is never written by two hands at once, changes that come meanwhile take the same way,
and a killed process leaves nothing that another one could not go on with. The steps are small and may be repeated.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from qdrant_client import models

from catalog.models import OutboxEntry, Product
from search.index import embeddings
from search.index.batch import Target
from search.index.client import get_client
from search.index.compare import batched, compare, stored_versions
from search.index.live import alias_target
from search.index.outbox import active_collections
from search.index.schema import Shape, alias, create_collection, current_shape
from search.models import IndexCollection

logger = logging.getLogger(__name__)

State = IndexCollection.State
PORTION = 2000  # products fed at once
LOW_WATER = 1000  # entries; feeding waits until fewer are due, so that a merchandiser's change waits for few others


def targets() -> list[Target]:
    """The collections that a write must reach, as they are now; makes the first one where there is none."""
    rows = list(active_collections()) or [ensure_current()]
    filling = any(row.state == State.FILLING for row in rows)
    return [
        Target(row.name, Shape.from_metadata(row.shape), settled=filling and row.state == State.LIVE) for row in rows
    ]


def ensure_current() -> IndexCollection:
    """See that a collection of the current shape is live or being filled, and return it.

    It also makes what was lost anew. The drains do the filling (`advance`); the alias moves when it is complete.
    """
    shape = current_shape()
    name = shape.name
    known = IndexCollection.objects.filter(name=name).first()
    client = get_client()
    if known and known.state == State.RETIRED and name != alias_target():
        client.delete_collection(name)  # it missed writes since it was retired
    present = {collection.name for collection in client.get_collections().collections}
    create_collection(shape)
    with transaction.atomic():
        # The lock lets one of several processes decide.
        rows = {row.name: row for row in IndexCollection.objects.select_for_update()}
        row = rows.pop(name, None) or IndexCollection(name=name)
        if row.pk is None or row.state == State.RETIRED or name not in present:
            row.shape, row.state, row.fed_to, row.fed_at, row.retired_at = shape.metadata, State.FILLING, 0, None, None
            row.save()
        for other in rows.values():
            if other.state == State.FILLING or (other.state == State.LIVE and other.name not in present):
                _retire(other)  # filled for settings that have changed again, or lost
    if alias_target() is None:
        _move_alias(name)  # there is nothing yet that a search could miss
    return row


def is_filling() -> bool:
    return IndexCollection.objects.filter(state=State.FILLING).exists()


def advance() -> bool:
    """Take the collection that is being filled one step further. Returns whether that put work into the outbox."""
    row = IndexCollection.objects.filter(state=State.FILLING).order_by("-created_at").first()
    if row is None:
        return False
    if OutboxEntry.objects.filter(parked_at=None)[LOW_WATER : LOW_WATER + 1].exists():
        return False
    if row.fed_at is None:
        while not (fed := _feed(row)) and row.fed_at is None:
            pass
        if fed:
            return True
    if OutboxEntry.objects.filter(parked_at=None, created_at__lte=row.fed_at).exists():
        return False
    if _recheck(row):
        return True
    _go_live(row)
    return False


def _feed(row: IndexCollection) -> bool:
    """Queue the next portion, less what the collection has already (from before a kill, or by a write)."""
    published = Product.objects.filter(status=Product.Status.PUBLISHED, id__gt=row.fed_to).order_by("id")
    portion = dict(published.values_list("id", "version")[:PORTION])
    # Asked for before the transaction, which must not wait for the store while it locks the database.
    stored = stored_versions(row.name, list(portion))
    lacking = _unqueued(id for id, version in portion.items() if stored.get(id) != version)
    with transaction.atomic():
        current = IndexCollection.objects.select_for_update().get(pk=row.pk)
        if (current.state, current.fed_to) == (State.FILLING, row.fed_to):  # else another worker was faster
            OutboxEntry.add(lacking)
            current.fed_to = max(portion, default=current.fed_to)
            current.fed_at = None if portion else timezone.now()
            current.save(update_fields=["fed_to", "fed_at"])
    row.refresh_from_db()
    return bool(lacking)


def _recheck(row: IndexCollection) -> bool:
    """Compare the whole of it with the database; queue what differs and is neither on its way nor parked."""
    lacking = _unqueued(id for id, verdict in compare(row.name, thorough=False) if verdict != "level")
    if not lacking:
        return False
    logger.warning("%s differs in %d points; they are queued again", row.name, len(lacking))
    with transaction.atomic():
        OutboxEntry.add(lacking)
        IndexCollection.objects.filter(pk=row.pk).update(fed_at=timezone.now())
    return True


def _unqueued(product_ids: Iterable[int]) -> list[int]:
    """Those without an outbox entry: one that has is on its way to every active collection, or parked."""
    left: list[int] = []
    for ids in batched(product_ids, 500):
        queued = set(OutboxEntry.objects.filter(product_id__in=ids).values_list("product_id", flat=True))
        left += [id for id in ids if id not in queued]
    return left


def _go_live(row: IndexCollection) -> None:
    if alias_target() != row.name:
        _move_alias(row.name)
    with transaction.atomic():
        for other in IndexCollection.objects.select_for_update().filter(state=State.LIVE).exclude(pk=row.pk):
            _retire(other)
        IndexCollection.objects.filter(pk=row.pk, state=State.FILLING).update(state=State.LIVE)
    logger.info("%s is live", row.name)


def _move_alias(name: str) -> None:
    """In one request, which Qdrant carries out as a whole: there is no moment without the alias."""
    own = alias()
    steps: list[models.AliasOperations] = []
    if alias_target() is not None:
        steps.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=own)))
    create = models.CreateAlias(collection_name=name, alias_name=own)
    steps.append(models.CreateAliasOperation(create_alias=create))
    get_client().update_collection_aliases(steps)


def _retire(row: IndexCollection) -> None:
    row.state, row.retired_at = State.RETIRED, timezone.now()
    row.save(update_fields=["state", "retired_at"])


def drop_retired() -> list[str]:
    """Drop collections that nobody can be asking any more, and the vectors of models that none is left of."""
    dropped = []
    old = timezone.now() - timedelta(seconds=settings.INDEX_RETIRED_SECONDS)
    for row in IndexCollection.objects.filter(state=State.RETIRED, retired_at__lt=old):
        if row.name == alias_target():
            continue
        get_client().delete_collection(row.name)
        # Not if `ensure_current` has taken it up again meanwhile.
        if IndexCollection.objects.filter(pk=row.pk, state=State.RETIRED).delete()[0]:
            dropped.append(row.name)
            shape = Shape.from_metadata(row.shape)
            embeddings.forget({shape.text.model_id, shape.image.model_id} - _used_models())
    return dropped


def _used_models() -> set[str]:
    shapes = [Shape.from_metadata(row.shape) for row in IndexCollection.objects.all()]
    return {model_id for shape in shapes for model_id in (shape.text.model_id, shape.image.model_id)}
