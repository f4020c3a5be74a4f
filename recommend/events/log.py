"""The one way into the log of events."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.models import Product
from recommend.events.attribution import attribute
from recommend.events.drafts import DraftError, EventDraft, check
from recommend.events.models import Event

log = logging.getLogger(__name__)

LOCKS = 256, 0x65766E74  # how many, and the number that keeps them apart from locks on other things

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # no shop is older, and some databases are not either


@dataclass(frozen=True)
class Recorded:
    """What became of drafts. `rejected` and `repeated` give positions in what was handed in."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)  # (index, reason)
    repeated: list[int] = field(default_factory=list)  # the duplicates' indexes


def record(
    drafts: Sequence[EventDraft], *, received_at: datetime | None = None, max_age: timedelta | None = None
) -> Recorded:
    """Store what is right about `drafts`, each `event_id` once, in a fixed number of queries; say what is wrong.

    An event may be ahead of `received_at` by EVENT_MAX_AHEAD_SECONDS, as clocks differ, and behind it by `max_age`;
    with None, by as long as the log is kept. Without consent the shopper, session, basket, query and search are left
    out. What is put into the cart or bought belongs to the search that led to it (`recommend.events.attribution`). A
    click or view with a `placement` is charged for after it is stored, also when it is sent again: charging is once by
    itself, and the first time may have been cut off.
    """
    received_at = received_at or timezone.now()
    oldest = received_at - max_age if max_age else oldest_kept(received_at)
    rejected: dict[int, str] = {}
    dated: dict[int, EventDraft] = {}
    for index, draft in enumerate(drafts):
        try:
            check(draft)
            dated[index] = _dated(draft, received_at, oldest)
        except DraftError as error:
            rejected[index] = str(error)
    found = _products(dated)
    for index, missing in found.missing.items():
        rejected[index] = missing
        del dated[index]
    attribute(dated, found.ids)
    undated = [draft.event_id for index, draft in dated.items() if drafts[index].happened_at is None]
    repeated = _store(dated, found.ids, received_at, oldest if max_age else None, undated)
    _charge(dated)
    return Recorded(len(dated) - len(repeated), len(repeated), sorted(rejected.items()), repeated)


def oldest_kept(now: datetime) -> datetime:
    """Return the moment before which nothing is kept (EVENT_RETENTION_DAYS)."""
    days = settings.EVENT_RETENTION_DAYS
    return now - timedelta(days=days) if days else EPOCH


def _dated(draft: EventDraft, received_at: datetime, oldest: datetime) -> EventDraft:
    at = draft.happened_at
    if at is None:
        return replace(draft, happened_at=received_at)
    if timezone.is_naive(at):
        raise DraftError("The time needs its offset from UTC.")
    if at > received_at + timedelta(seconds=settings.EVENT_MAX_AHEAD_SECONDS):
        raise DraftError(f"The time {at.isoformat()} is in the future.")
    if at < oldest:
        raise DraftError(f"The time {at.isoformat()} is too long ago; nothing before {oldest:%Y-%m-%d %H:%M} is taken.")
    return draft


@dataclass(frozen=True)
class _Found:
    ids: dict[int, int | None]  # draft's index -> product id
    missing: dict[int, str]  # draft's index -> reason


def _products(drafts: dict[int, EventDraft]) -> _Found:
    skus = {draft.sku for draft in drafts.values() if draft.product_id is None and draft.sku}
    given = {draft.product_id for draft in drafts.values() if draft.product_id is not None}
    known = (
        dict(Product.objects.filter(Q(pk__in=given) | Q(sku__in=skus)).values_list("pk", "sku")) if skus | given else {}
    )
    by_sku = {sku: pk for pk, sku in known.items()}
    found = _Found({}, {})
    for index, draft in drafts.items():
        if draft.product_id is not None:
            if draft.product_id not in known:
                found.missing[index] = f"There is no product with the id {draft.product_id}."
            found.ids[index] = draft.product_id
        elif draft.sku and draft.sku not in by_sku:
            found.missing[index] = f"There is no product with the sku {draft.sku!r}."
        else:
            found.ids[index] = by_sku.get(draft.sku)
    return found


def _store(
    drafts: dict[int, EventDraft],
    products: dict[int, int | None],
    received_at: datetime,
    since: datetime | None,
    undated: Sequence[UUID],
) -> list[int]:
    """Write what is new; return the indexes of what is not. `since` spares PostgreSQL the partitions before it.

    `undated`: those whose client said no time. A partitioned table is unique in id and time together, so of two copies
    that arrive at the same moment, each with a time of its own, one has to wait for the other.
    """
    if not drafts:
        return []
    with transaction.atomic():
        if undated and connection.vendor == "postgresql":
            count, kind = LOCKS
            numbers = sorted({event_id.int % count for event_id in undated})
            with connection.cursor() as cursor:
                # In one order everywhere, and few: each takes a place in a table that all connections share.
                cursor.execute(
                    "SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s::int[]) AS number",
                    [kind, numbers],
                )
        stored = Event.objects.filter(event_id__in={draft.event_id for draft in drafts.values()})
        if since:
            stored = stored.filter(happened_at__gte=since)
        seen: set[UUID] = set(stored.values_list("event_id", flat=True))
        rows, repeated = [], []
        for index, draft in drafts.items():
            if draft.event_id in seen:
                repeated.append(index)
            else:
                seen.add(draft.event_id)
                rows.append(_row(draft, products[index], received_at))
        # Conflicts are left: another process may have stored the same event since it was looked for.
        Event.objects.bulk_create(rows, ignore_conflicts=True)
    return repeated


def _row(draft: EventDraft, product_id: int | None, received_at: datetime) -> Event:
    known = draft.consent and draft.shopper is not None
    return Event(
        event_id=draft.event_id,
        kind=draft.kind,
        shopper=draft.shopper if known else None,
        product_id=product_id,
        query=draft.query if known else "",
        search_id=draft.search_id if known else None,
        surface=draft.surface,
        position=draft.position,
        value=draft.value,
        quantity=draft.quantity,
        basket=draft.basket if known else "",
        session=draft.session if known else "",
        device=draft.device,
        consent=known,
        happened_at=draft.happened_at or received_at,
        received_at=received_at,
    )


def _charge(drafts: dict[int, EventDraft]) -> None:
    placed = dict.fromkeys((draft.kind, draft.placement) for draft in drafts.values() if draft.placement)
    if not placed:
        return
    from recommend.sponsored import ledger  # most events cost nobody anything

    charge = {Event.Kind.CLICK: ledger.clicked, Event.Kind.VIEW: ledger.seen}
    for kind, placement in placed:
        if kind not in charge:
            continue
        try:
            charge[Event.Kind(kind)](placement)
        except (OperationalError, InterfaceError):
            raise  # the database is going away: who is told so sends the event again, and is charged then
        except Exception:  # the event is stored, and a shopper's page does not wait for a bill
            log.exception("The placement %s could not be charged", placement)
