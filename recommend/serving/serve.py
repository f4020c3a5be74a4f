"""From candidates to an answer: what may be shown, chosen for variety, with cards and reasons."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from django.conf import settings

from catalog.models import Product
from catalog.per_shop import PerShop
from recommend.models.base import Ids, Scores
from recommend.serving import memory
from recommend.serving.candidates import Pool, neighbour_part
from recommend.serving.cards import cards
from recommend.serving.interests import Interest, belongs_to, interests_of, likeness
from recommend.serving.profile import Profile
from recommend.serving.reasons import Told
from recommend.serving.selection import Candidates, Caps, choose
from recommend.serving.shelf import Stand, Wish, for_sale, left_out
from recommend.serving.vectors import content_vectors
from recommend.surfaces.base import Answer, Recommendation
from recommend.training.live import Live

ASKED = 80  # of the best candidates, the database is asked which can be bought: more than RANKED, since some cannot
RANKED = 60  # of those are arranged together, whatever page is asked for: so no page changes another
LAST = 25  # events that interests are found in

Tell = Callable[[Sequence[Product]], dict[int, Told]]


def serve(
    wish: Wish,
    profile: Profile,
    pool: Pool,
    tell: Tell,
    *,
    seen: bool = False,
    several_interests: bool = False,
    vary: bool = True,
    keep: Callable[[Stand], bool] = lambda stand: True,
) -> Answer:
    """Answer with the best of the pool. `seen` leaves out what the shopper has seen, `keep` what it says no to.

    Two queries for cards that are not remembered; one for what can be bought, with conditions two, and the same again
    further down and for each of the pool's rest that is needed.
    """
    ask = wish.ask
    end = ask.offset + ask.limit
    order: list[Stand] = []
    for stands in candidates_for_sale(wish, profile, pool, seen=seen, keep=keep, at_once=RANKED):
        more = end + 1 - len(order)
        order += arranged(profile, pool, order, stands, more, several_interests=several_interests, vary=vary)
        if len(order) > end:
            break
    products = cards(order[ask.offset : end])
    told = tell(products) if ask.reasons else {}
    hits = [
        Recommendation(product, round(pool.scores[product.pk], 6), *told.get(product.pk, ("", pool.parts[product.pk])))
        for product in products
    ]
    return Answer(hits, more=len(order) > end)


def candidates_for_sale(
    wish: Wish,
    profile: Profile,
    pool: Pool,
    *,
    seen: bool,
    keep: Callable[[Stand], bool] = lambda stand: True,
    at_once: int,
) -> Iterator[list[Stand]]:
    """Those of the pool that this shopper can be shown, the best first, `at_once` at a time; then those of its rest.

    What the pool falls back to begins a list of its own: it is asked only by who reads that far, and what comes before
    it stays as it is.
    """
    without = left_out(wish.ask, profile, seen=seen)
    while True:
        best = sorted((id for id in pool.scores if id not in without), key=lambda id: (-pool.scores[id], id))
        without.update(best)
        found: list[Stand] = []
        start, step = 0, max(ASKED, at_once)
        while start < len(best):
            portion = best[start : start + step]
            stands = for_sale(wish, portion)
            found += [stands[id] for id in portion if id in stands and keep(stands[id])]
            while len(found) >= at_once:
                yield found[:at_once]
                found = found[at_once:]
            start, step = start + step, 4 * step  # who reads on, or finds much of the best gone, asks seldom
        if found:
            yield found
        if not pool.fall_back():
            return


def arranged(
    profile: Profile,
    pool: Pool,
    before: Sequence[Stand],
    stands: Sequence[Stand],
    count: int,
    *,
    several_interests: bool = False,
    vary: bool = True,
) -> list[Stand]:
    """At most `count` of `stands` in the order they are shown, after those `before`, which stay as they are."""
    every = [*before, *stands]
    ids = [stand.id for stand in every]
    vectors = content_vectors(ids, profile.live) if vary or several_interests else None
    interests, room = None, []
    if several_interests and vectors is not None:
        found = interests_in(profile)
        if len(found) > 1:
            interests, room = _interest_of_each(profile, found, ids, vectors), [each.share for each in found]
    candidates = Candidates(
        np.array([pool.scores[id] for id in ids]),
        [stand.brand for stand in every],
        [stand.store for stand in every],
        [stand.family for stand in every],
        vectors,
        interests,
    )
    caps = Caps(settings.RECOMMEND_BRAND_CAP, settings.RECOMMEND_STORE_CAP)
    relevance = settings.RECOMMEND_RELEVANCE if vary else 1.0
    rows = choose(candidates, count, relevance=relevance, caps=caps, room=room, placed=len(before))
    return [every[row] for row in rows]


def interests_in(profile: Profile) -> list[Interest]:
    """The interests of a history, by the content of the live model's items; none without that."""
    live = profile.live
    if live is None or live.items.content is None or not len(profile.history):
        return []
    return _INTERESTS.here.of(live, profile.history[-LAST:])


class _Interests:
    """Those of the last histories, for the version that is live: a page that scrolls on asks for the same again."""

    MOST = 2_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        with self._lock:
            self._live: Live | None = None
            self._near = 0.5
            self._known: OrderedDict[bytes, list[Interest]] = OrderedDict()

    def of(self, live: Live, history: Ids) -> list[Interest]:
        assert live.items.content is not None  # noqa: S101  (asked before)
        key = history.tobytes()
        with self._lock:
            if self._live is not live:
                self._live, self._near, self._known = live, likeness(live.items.content), OrderedDict()
            near, known = self._near, self._known
            if key in known:
                known.move_to_end(key)
                return known[key]
        found = interests_of(np.asarray(live.items.content[history], np.float32), near)
        with self._lock:
            known[key] = found
            while len(known) > self.MOST:
                known.popitem(last=False)
        return found


_INTERESTS: PerShop[_Interests] = PerShop(_Interests)
memory.on_forget(_INTERESTS.forget)


def _interest_of_each(profile: Profile, found: list[Interest], ids: list[int], vectors: Scores) -> list[int]:
    """The interest that speaks most for each: by the model's neighbours, or where none knows it by content."""
    live = profile.live
    part = neighbour_part(live.model) if live else None
    if live is None or part is None:
        return belongs_to(found, vectors).tolist()
    # Socks are described more like a tent's fabric than like shoes; it is shoppers who know what belongs to what.
    history = profile.history[-LAST:]
    spoken = np.stack([part.scores_of(history[each.events]) for each in found])
    rows = np.array([live.rows.get(id, -1) for id in ids], np.int64)
    mine = np.where(rows >= 0, spoken[:, rows], 0.0)
    interests, silent = mine.argmax(axis=0), mine.max(axis=0) <= 0
    if silent.any():
        interests[silent] = belongs_to(found, vectors[silent])
    return interests.tolist()
