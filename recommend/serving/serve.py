"""From candidates to an answer: what may be shown, chosen for variety, with cards and reasons."""

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
from django.conf import settings

from catalog.models import Product
from recommend.models.base import Ids, Scores
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

ASKED = 80  # of the best candidates, the database is asked which can be bought
RANKED = 60  # of those are compared with each other
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

    Two queries for the cards and one for what can be bought, whatever is asked.
    """
    ask = wish.ask
    end = ask.offset + ask.limit
    stands = candidates_for_sale(wish, profile, pool, seen=seen, keep=keep, enough=max(RANKED, end + 1))
    order = arranged(profile, pool, list(stands.values()), end + 1, several_interests=several_interests, vary=vary)
    products = cards([stands[id] for id in order[ask.offset : end]])
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
    enough: int = RANKED,
) -> dict[int, Stand]:
    """Product id -> where it belongs, the best first: those of the pool that this shopper can be shown."""
    without = left_out(wish.ask, profile, seen=seen)
    best = sorted((id for id in pool.scores if id not in without), key=lambda id: (-pool.scores[id], id))
    found: dict[int, Stand] = {}
    start, step = 0, max(ASKED, enough)
    while start < len(best) and len(found) < enough:  # more than once only where much of the best is gone
        portion = best[start : start + step]
        stands = for_sale(wish, portion)
        found |= {id: stands[id] for id in portion if id in stands and keep(stands[id])}
        start, step = start + step, 4 * step
    return dict(islice(found.items(), enough))


def arranged(
    profile: Profile,
    pool: Pool,
    stands: Sequence[Stand],
    count: int,
    *,
    several_interests: bool = False,
    vary: bool = True,
) -> list[int]:
    """Product ids in the order they are shown."""
    if not stands:
        return []
    ids = [stand.id for stand in stands]
    vectors = content_vectors(ids, profile.live) if vary or several_interests else None
    interests, room = None, []
    if several_interests and vectors is not None:
        found = interests_in(profile)
        if len(found) > 1:
            interests, room = _interest_of_each(profile, found, ids, vectors), [each.share for each in found]
    candidates = Candidates(
        np.array([pool.scores[id] for id in ids]),
        [stand.brand for stand in stands],
        [stand.store for stand in stands],
        [stand.family for stand in stands],
        vectors,
        interests,
    )
    caps = Caps(settings.RECOMMEND_BRAND_CAP, settings.RECOMMEND_STORE_CAP)
    relevance = settings.RECOMMEND_RELEVANCE if vary else 1.0
    return [ids[row] for row in choose(candidates, count, relevance=relevance, caps=caps, room=room)]


def interests_in(profile: Profile) -> list[Interest]:
    """The interests of a history, by the content of the live model's items; none without that."""
    live = profile.live
    if live is None or live.items.content is None or not len(profile.history):
        return []
    return _INTERESTS.of(live, profile.history[-LAST:])


class _Interests:
    """Those of the last histories, for the version that is live: a page that scrolls on asks for the same again."""

    MOST = 2_000

    def __init__(self) -> None:
        self._held: tuple[Live | None, float, dict[bytes, list[Interest]]] = (None, 0.5, {})

    def of(self, live: Live, history: Ids) -> list[Interest]:
        version, near, known = self._held
        assert live.items.content is not None  # noqa: S101  (asked before)
        if version is not live or len(known) > self.MOST:
            version, near, known = self._held = live, likeness(live.items.content), {}
        key = history.tobytes()
        found = known.get(key)
        if found is None:
            found = known[key] = interests_of(np.asarray(live.items.content[history], np.float32), near)
        return found


_INTERESTS = _Interests()


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
