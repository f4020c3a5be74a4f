"""What every recommendation model has in common, on a small world with a rule in it: n is followed by n + 1."""

from pathlib import Path

import numpy as np
import pytest

from recommend.models import registry
from recommend.models.base import Interactions, Items, Recommender

ITEMS = 40
FAST = {
    "popularity": {},
    "item-knn": {},
    "seq-knn": {},
    "content": {},
    "lstm": {"dim": 16, "epochs": 15, "batch": 16},
    "transformer": {"dim": 16, "epochs": 10, "pretrain_epochs": 2, "batch": 16},
    "blend": {"transformer": {"dim": 16, "epochs": 10, "batch": 16}},
}
ORDERED = ("seq-knn", "lstm", "transformer", "blend")


@pytest.fixture(scope="module")
def world() -> Interactions:
    random = np.random.default_rng(3)
    starts, lengths = random.integers(0, ITEMS, 300), random.integers(3, 9, 300)
    histories = [np.arange(start, start + length) % ITEMS for start, length in zip(starts, lengths, strict=True)]
    attributes = np.stack([np.arange(ITEMS) // 5 + 1, (np.arange(ITEMS) + 2) // 5 + 11], axis=1)
    content = random.standard_normal((ITEMS, 4)).astype(np.float32)
    return Interactions(Items(np.arange(ITEMS) + 1000, content=content, attributes=attributes), histories)


@pytest.fixture(scope="module")
def fitted(world: Interactions) -> dict[str, Recommender]:
    models = {name: registry.build(name, **config) for name, config in FAST.items()}
    for model in models.values():
        model.fit(world, seed=1)
    return models


def test_the_list_below_is_the_registry():
    assert set(FAST) == set(registry.MODELS) - {"crossing"}  # which has tests of its own


@pytest.mark.parametrize("name", FAST)
def test_scores_every_item_for_every_history(fitted, name):
    scores = fitted[name].score([np.array([1, 2, 3]), np.array([7])])
    assert scores.shape == (2, ITEMS)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", FAST)
def test_answers_a_stranger(fitted, name):
    scores = fitted[name].score([np.zeros(0, np.int64)])
    assert scores.shape == (1, ITEMS)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", FAST)
def test_candidates_get_the_scores_that_they_get_among_all(fitted, name):
    history, candidates = np.array([4, 5, 6, 7]), np.array([30, 8, 2, 19])
    among_all = fitted[name].score([history])[0, candidates]
    assert fitted[name].score_candidates(history, candidates) == pytest.approx(among_all, abs=1e-4)


@pytest.mark.parametrize("name", ORDERED)
def test_foresees_what_follows(fitted, name):
    histories = [np.arange(start, start + 4) % ITEMS for start in range(ITEMS)]
    scores = fitted[name].score(histories)
    for history, row in zip(histories, scores, strict=True):
        row[history] = -np.inf
    found = scores.argmax(axis=1) == (np.arange(ITEMS) + 4) % ITEMS
    assert found.mean() > 0.8  # chance is 1/36


@pytest.mark.parametrize("name", FAST)
def test_one_seed_gives_one_result(world, fitted, name):
    again = registry.build(name, **FAST[name])
    again.fit(world, seed=1)
    histories = world.histories[:20]
    assert np.array_equal(again.score(histories), fitted[name].score(histories))


@pytest.mark.parametrize("name", FAST)
def test_is_the_same_after_it_was_saved_and_loaded(fitted, name, tmp_path: Path):
    fitted[name].save(tmp_path / "model")
    loaded = registry.load(tmp_path / "model")
    history = [np.array([10, 11, 12])]
    assert loaded.name == name
    assert loaded.config == fitted[name].config
    assert loaded.score(history) == pytest.approx(fitted[name].score(history), abs=1e-6)


@pytest.mark.parametrize("name", ["transformer", "lstm"])
def test_scores_of_networks_are_inner_products(fitted, name):
    model, history = fitted[name], np.array([20, 21])
    products = model.item_vectors() @ model.user_vector(history)
    assert products == pytest.approx(model.score([history])[0], abs=1e-5)


@pytest.mark.slow
def test_an_item_that_nobody_took_is_placed_by_its_attributes(world):
    """Item 5 looks like the items around it; without a single event it must be nearer to them than the far ones are."""
    kept = [history[history != 5] for history in world.histories]
    model = registry.build("transformer", dim=16, epochs=15, batch=16, id_dropout=0.3)
    model.fit(Interactions(world.items, [history for history in kept if len(history) > 1]), seed=0)
    vectors = model.content_vectors(world.items)
    user = model.user_vector(np.array([2, 3, 4]))
    assert vectors[5] @ user > np.median(vectors[20:] @ user)


@pytest.mark.parametrize("name", ["popularity", "item-knn", "seq-knn", "lstm", "transformer", "blend"])
def test_learns_from_nothing_without_falling_over(world, name):
    model = registry.build(name, **FAST[name])
    model.fit(Interactions(world.items, [np.array([3])]), seed=0)
    assert np.isfinite(model.score([np.array([3]), np.zeros(0, np.int64)])).all()


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError):
        registry.build("seq-knn", windows=3)
