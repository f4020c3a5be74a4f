"""An item that hardly anybody took borrows from those like it, the less the more is known of itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommend.models import registry, storage
from recommend.models.base import Interactions, Items
from recommend.models.blend import Blend
from recommend.models.borrowing import borrowed

# Two kinds of things, five of each; nobody took 4 or 9, and one shopper took 3.
KINDS = np.array([[1]] * 5 + [[2]] * 5)
ITEMS = Items(np.arange(10), attributes=KINDS)
HISTORIES = [np.array([0, 1, 2]), np.array([2, 0, 1]), np.array([5, 6, 7, 8]), np.array([8, 7, 6, 5]), np.array([0, 3])]
DATA = Interactions(ITEMS, HISTORIES)
SMALL = {"transformer": {"dim": 8, "epochs": 2, "batch": 4}}


def blend(**config: float) -> Blend:
    model = registry.build("blend", **SMALL, few=2, alike=2, **config)
    model.fit(DATA, seed=0)
    return model


def test_the_less_was_seen_of_an_item_the_more_it_borrows():
    sums = np.asarray(borrowed(DATA, few=2, alike=3).sum(axis=1)).ravel()
    assert sums == pytest.approx([0, 0, 0, 0.5, 1, 0, 0, 0, 0, 1])


def test_it_borrows_of_its_own_kind():
    weights = borrowed(DATA, few=2, alike=3).toarray()
    assert set(np.flatnonzero(weights[4])) == {0, 1, 2}
    assert set(np.flatnonzero(weights[9])) < {5, 6, 7, 8}


def test_nearer_ones_lend_more():
    content = np.array([[1, 0], [0.6, 0.8], [0, 1], [1, 0]], np.float32)
    data = Interactions(Items(np.arange(4), content), [np.array([0, 1, 2])])
    first, second, third = borrowed(data, few=1, alike=3).toarray()[3, :3]
    assert first > second > third == 0, "what has nothing in common lends nothing"


@pytest.mark.parametrize(
    "items",
    [Items(np.arange(10)), replace(ITEMS, attributes=np.zeros_like(KINDS))],
    ids=["no descriptions", "empty ones"],
)
def test_of_what_nothing_is_known_nothing_is_borrowed(items):
    assert borrowed(replace(DATA, items=items), few=2, alike=3).nnz == 0


def test_a_new_item_comes_up_where_things_like_it_are_wanted():
    history = [np.array([0, 1])]
    gain = blend(borrowed_weight=1.5).score(history)[0] - blend(borrowed_weight=0.0).score(history)[0]
    assert gain[4] > 1
    assert gain[9] == pytest.approx(0, abs=1e-5), "nobody who took 0 and 1 wants things like 9"
    assert gain[[0, 1, 2]] == pytest.approx([0, 0, 0], abs=1e-5)


def test_candidates_get_the_scores_that_they_get_among_all():
    model, history = blend(), np.array([0, 1])
    among_all = model.score([history])[0]
    assert model.score_candidates(history, np.array([9, 4, 2])) == pytest.approx(among_all[[9, 4, 2]], abs=1e-4)
    assert model.spoken_of(history)[4] == pytest.approx(model.spoken_of(history, np.array([4]))[0])


def test_a_saved_blend_remembers_what_was_borrowed_and_one_of_before_borrows_nothing(tmp_path: Path):
    model, history = blend(), [np.array([0, 1])]
    model.save(tmp_path)
    assert registry.load(tmp_path).score(history) == pytest.approx(model.score(history), abs=1e-6)
    storage.write(tmp_path, "blend", {"transformer": model.config["transformer"]}, {})
    before = registry.load(tmp_path)
    assert before.score(history)[0, 4] < model.score(history)[0, 4]
