"""Writes the made-up histories through the event log, as a shop's own would be."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import islice

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog.models import Product
from recommend.demo import habits
from recommend.demo.people import Crowd, Person
from recommend.demo.searches import Searcher
from recommend.demo.visits import Act, Diary
from recommend.events.drafts import EventDraft
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from search.models import LoggedSearch

BATCH = 4000  # events that are written at once
STALE_DAYS = 7  # after which what was planted as "lately" no longer is

Progress = Callable[[int, int], None]
Devices = tuple[
    Shopper, Shopper
]  # a shopper, and their other device, which is merged into it; the same if there is none


@dataclass(frozen=True)
class Planted:
    """What a call of `plant` left in the log. `events` is 0 where histories of the seed were already there."""

    habits: habits.Habits  # what was there to be planted in this shop
    shoppers: int = 0  # a shopper with two devices counts once; bots count too
    events: int = 0
    until: datetime | None = None  # the moment that the histories end at
    searches: int = 0  # in the log of searches


def plant(
    seed: int = 7, shoppers: int = 3000, *, now: datetime | None = None, progress: Progress = lambda done, total: None
) -> Planted:
    """Write the histories of `shoppers` shoppers and of the named accounts: all or none.

    The same seed, shop and `now` give the same events. Histories of the same seed that end less than STALE_DAYS before
    `now` are left as they are, older ones are replaced. `progress` hears (shoppers written, all shoppers).
    """
    now = (now or timezone.now()).replace(microsecond=0)
    known = habits.read()
    if not known.wares:
        return Planted(known)
    with transaction.atomic():
        old = Event.objects.filter(event_id__range=_span(seed))
        until = old.aggregate(last=Max("received_at"))["last"]
        if until and until > now - timedelta(days=STALE_DAYS):
            return Planted(known, until=until)
        old.delete()
        LoggedSearch.objects.filter(pk__range=_span(seed)).delete()
        Shopper.objects.filter(key__range=_span(seed), user=None).delete()
        _date_shelves()
        crowd = Crowd(known, seed, now)
        people = [*map(crowd.named, known.accounts), *map(crowd.person, range(shoppers))]
        devices = _register(people, seed, now)
        searches: list[LoggedSearch] = []
        drafts = _drafts(crowd, people, devices, seed, progress, searches)
        events = 0
        while part := list(islice(drafts, BATCH)):
            events += record(part, received_at=now).accepted
        LoggedSearch.objects.bulk_create(searches, batch_size=500)
    return Planted(known, len(people), events, now, len(searches))


def _date_shelves() -> None:
    """Let products have been published when they were released, and not all on the day that the demo was filled."""
    products = [
        product
        for product in Product.objects.filter(released__isnull=False, published_at__isnull=False)
        if product.released < product.published_at.date()
    ]
    for product in products:
        product.published_at = datetime.combine(product.released, time(6), tzinfo=UTC)
    Product.objects.bulk_update(products, ["published_at"], batch_size=500)


def _span(seed: int) -> tuple[uuid.UUID, uuid.UUID]:
    """The first and the last of the keys that everything planted with this seed has, so that it can be found again."""
    return _key(seed, 0), _key(seed, 2**64 - 1)


def _key(seed: int, number: int) -> uuid.UUID:
    high = int.from_bytes(hashlib.sha256(f"demo histories {seed}".encode()).digest()[:8], "big")
    return uuid.UUID(int=high << 64 | number, version=4)


def _register(people: Sequence[Person], seed: int, now: datetime) -> list[Devices]:
    """Make the shoppers, each with a second device where they have one, and accounts for those with a name."""
    users = get_user_model().objects
    mine: list[Shopper] = []
    for number, person in enumerate(people):
        if person.begun:  # somebody who can log in may be there from an earlier time, with a history of their own
            user = users.filter(username=person.name).first() or users.create_user(person.name)
            mine.append(Shopper.objects.get_or_create(user=user, defaults={"key": _key(seed, 2 * number)})[0])
        else:
            mine.append(Shopper(key=_key(seed, 2 * number), created_at=now))
    Shopper.objects.bulk_create([shopper for shopper in mine if shopper.pk is None])
    others = {
        number: Shopper(key=_key(seed, 2 * number + 1), created_at=now, merged_into=mine[number], merged_at=now)
        for number, person in enumerate(people)
        if person.two_devices
    }
    Shopper.objects.bulk_create(others.values())
    return [(shopper, others.get(number, shopper)) for number, shopper in enumerate(mine)]


def _drafts(
    crowd: Crowd,
    people: Sequence[Person],
    devices: Iterable[Devices],
    seed: int,
    progress: Progress,
    searches: list[LoggedSearch],
) -> Iterator[EventDraft]:
    """Yield every event; what was searched for goes into `searches`."""
    diary, searcher = Diary(crowd), Searcher(crowd, partial(_key, seed))
    for done, (person, pair) in enumerate(zip(people, devices, strict=True), start=1):
        followed = searcher.follow(person, diary.acts(person), (pair[0].key, pair[1].key))
        searches += followed.rows
        for act in followed.acts:
            yield _draft(act, pair[act.second_device], _key(seed, act.number))
        progress(done, len(people))


def _draft(act: Act, shopper: Shopper, event_id: uuid.UUID) -> EventDraft:
    return EventDraft(
        kind=act.kind,
        shopper=shopper,
        product_id=act.ware.pk if act.ware else None,
        event_id=event_id,
        happened_at=act.at,
        session=act.session,
        device=act.device,
        consent=act.consent,
        **act.more,
    )
