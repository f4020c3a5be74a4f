"""Ranks and what is read off them."""

import numpy as np
import pytest

from recommend.evaluation.measures import Beyond, accuracy, exposure_gini, gini
from recommend.evaluation.ranking import rank
from recommend.evaluation.splits import Questions
from recommend.models.base import Interactions, Items
from search.evaluation.significance import interval


class Fixed:
    """Scores every history alike."""

    def __init__(self, *scores: float) -> None:
        self.scores = np.array(scores, np.float32)

    def score(self, histories):
        return np.tile(self.scores, (len(histories), 1))


def asked(answer: int, history: list[int] | None = None) -> Questions:
    return Questions([np.array(history or [], np.int64)], np.array([answer]))


def test_the_rank_is_the_number_of_items_above_without_those_of_the_history():
    model = Fixed(5, 4, 3, 2, 1)
    assert rank(model, asked(3)).ranks.tolist() == [3]
    assert rank(model, asked(3, [0, 1])).ranks.tolist() == [1]
    assert rank(model, asked(3), among=np.array([2, 3, 4])).ranks.tolist() == [1]


def test_a_model_that_scores_everything_alike_does_as_well_as_chance():
    ranks = [int(rank(Fixed(*[1.0] * 21), asked(answer)).ranks[0]) for answer in range(21)]
    assert set(ranks) == {10}


def test_lists_are_the_best_first_and_leave_out_the_history():
    assert rank(Fixed(1, 5, 3, 4, *[0.0] * 8), asked(2, [1])).lists[0, :3].tolist() == [3, 2, 0]


def test_fewer_items_than_a_list_is_long_are_all_of_it():
    assert rank(Fixed(1, 3, 2), asked(0)).lists.tolist() == [[1, 2, 0]]


def test_accuracy_of_known_ranks():
    found = accuracy(np.array([0, 2, 7, 50]))
    assert found["hr@5"] == 0.5
    assert found["hr@10"] == 0.75
    assert found["ndcg@10"] == pytest.approx((1 + 1 / 2 + 1 / np.log2(9)) / 4)
    assert found["ndcg@5"] == pytest.approx((1 + 1 / 2) / 4)
    assert found["mrr"] == pytest.approx((1 + 1 / 3 + 1 / 8 + 1 / 51) / 4)


def test_gini_is_none_where_all_are_alike_and_all_where_one_has_everything():
    assert gini(np.full(10, 3.0)) == pytest.approx(0)
    assert gini(np.array([0, 0, 0, 8.0])) == pytest.approx(0.75)
    assert gini(np.zeros(3)) == 0


def test_exposure_counts_groups_and_not_what_belongs_to_none():
    groups, lists = np.array([1, 1, 2, 0]), np.array([[0, 2, 3], [1, 2, 3]])
    assert exposure_gini(groups, lists) == pytest.approx(0)  # two of each group


def test_an_interval_holds_the_mean_and_narrows_with_more_questions():
    random = np.random.default_rng(1)
    few, many = random.uniform(size=50), random.uniform(size=5000)
    (low, high), (lower, higher) = interval(few), interval(many)
    assert low < few.mean() < high
    assert lower < many.mean() < higher
    assert higher - lower < (high - low) / 3


def test_what_lists_are_like():
    items = Items(np.arange(4), content=np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32),
                  attributes=np.array([[1], [1], [2], [2]]))  # fmt: skip
    beyond = Beyond.of(Interactions(items, [np.array([0, 0, 0, 1])]))
    alike, mixed = np.array([[0, 1]]), np.array([[0, 2]])
    first = [np.array([0, 1])]
    assert beyond.measure(alike, first)["diversity"] == pytest.approx(0)
    assert beyond.measure(mixed, first)["diversity"] == pytest.approx(1)
    assert beyond.measure(alike, first)["coverage@10"] == 0.5
    assert beyond.measure(alike, first)["miscalibration"] < beyond.measure(mixed, first)["miscalibration"]
    assert beyond.measure(mixed, first)["novelty"] > beyond.measure(alike, first)["novelty"]
