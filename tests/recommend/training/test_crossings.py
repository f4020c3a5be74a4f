"""What leads to other categories goes live only where it foresees that better than the neighbours do."""

from dataclasses import replace

import numpy as np
import pytest

from recommend.models.base import Items, no_progress
from recommend.training import crossings
from recommend.training.dataset import Dataset
from recommend.training.features import Features
from tests.recommend.models.test_crossing import HOUR, market


def dataset(shoppers: int, **items: object) -> Dataset:
    """The market of the model's tests as a shop's log."""
    data = market(shoppers)
    lengths = [len(history) for history in data.histories]
    return Dataset(
        items=replace(data.items, **items),
        features=Features(),
        shoppers=np.arange(shoppers),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        rows=np.concatenate(data.histories),
        times=np.concatenate(data.times),
        weights=np.ones(sum(lengths), np.float32),
    )


@pytest.fixture
def neighbours(monkeypatch: pytest.MonkeyPatch):
    """neighbours(score): what the neighbours say, in place of what they learned."""

    def say(score):
        monkeypatch.setattr(crossings.SeqKNN, "score", lambda self, histories: score(len(histories)))

    return say


def test_it_is_kept_with_its_figures_where_it_foresees_more(neighbours):
    neighbours(lambda count: np.zeros((count, 48), np.float32))
    data = dataset(300)
    model, told = crossings.learn(data, 250 * HOUR, 0, no_progress)
    assert told["questions"] >= crossings.FEWEST
    assert told["crossing"] > told["neighbours"] > 0
    assert len(model.score([np.array([0])])[0]) == len(data.items)


def test_it_is_not_kept_where_the_neighbours_know_as_much(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crossings.Crossing, "score", lambda self, histories: np.zeros((len(histories), 48), np.float32))
    model, told = crossings.learn(dataset(300), 250 * HOUR, 0, no_progress)
    assert model is None
    assert told["questions"] >= crossings.FEWEST
    assert told["neighbours"] > told["crossing"]


@pytest.mark.parametrize(
    ("shoppers", "items"), [(300, {"categories": None}), (300, {"categories": np.zeros(48, np.int64)}), (5, {})]
)
def test_without_categories_or_questions_there_is_nothing_to_learn(shoppers: int, items: dict[str, Items]):
    assert crossings.learn(dataset(shoppers, **items), 250 * HOUR, 0, no_progress)[0] is None
