"""How relevance is measured: by all that is known of every candidate, and by the history as the model takes it."""

from types import SimpleNamespace

import numpy as np
import pytest
from django.utils import timezone

from recommend.events.history import Past, Seen
from recommend.serving.profile import Profile
from recommend.sponsored import relevance
from search.index.schema import IMAGE, TEXT

ANCHOR, SAMPLE = 1, [1000, 1001]
CANDIDATES = list(range(2, 202))


class Store:
    """Scores by text rise with the id, and those by picture fall; the odd ones have no picture."""

    def retrieve(self, name, ids, **more):
        return [SimpleNamespace(id=id, vector={TEXT: [1.0], IMAGE: [[1.0]]}) for id in ids]

    def query_batch_points(self, name, requests):
        answers = []
        for each in requests:
            ids = each.filter.must[0].has_id
            pictured = [id for id in ids if each.using == TEXT or id % 2 == 0]
            scored = [(self.score(each.using, id), id) for id in pictured]
            best = sorted(scored, reverse=True)[: each.limit]
            answers.append(SimpleNamespace(points=[SimpleNamespace(id=id, score=score) for score, id in best]))
        return answers

    def score(self, name, id):
        return 0.0 if id in SAMPLE else (id if name == TEXT else 202 - id) / 2000


def test_the_mean_is_of_both_for_whoever_has_both(monkeypatch):
    monkeypatch.setattr(relevance, "get_client", Store)
    monkeypatch.setattr(relevance, "_sample", lambda: SAMPLE)
    found = relevance._near([ANCHOR], CANDIDATES, SimpleNamespace(name="shop"))[ANCHOR]
    assert set(found) == set(CANDIDATES)
    store = Store()
    for id in CANDIDATES:
        names = (TEXT, IMAGE) if id % 2 == 0 else (TEXT,)
        expected = relevance.above([0.0, 0.0], [store.score(name, id) for name in names])
        assert found[id] == pytest.approx(np.mean(expected)), id


def test_the_model_is_asked_about_the_history_as_it_learned_it(monkeypatch):
    """What was looked at again at once counts once, as in training; and every candidate is measured."""
    asked = []
    vectors = np.eye(4, dtype=np.float32)

    def user_vector(history):
        asked.append(history.tolist())
        return vectors[history[-1]]

    live = SimpleNamespace(
        rows={10: 0, 20: 1}, items=range(4), item_vectors=vectors, version=1,
        vectors=SimpleNamespace(user_vector=user_vector),
    )  # fmt: skip
    limits = []

    def nearest(vector, *, filter, limit, version):
        limits.append(limit)
        return [(id, 1.0) for id in CANDIDATES[:limit]]

    monkeypatch.setattr("recommend.training.behaviour.nearest", nearest)
    past = Past([Seen(id, "view", timezone.now()) for id in (10, 10, 20, 99, 20, 20)])
    found = relevance._to_behaviour(Profile(past, live), CANDIDATES)
    assert asked == [[0, 1]]
    assert limits == [len(CANDIDATES)]
    assert set(found) == set(CANDIDATES)
