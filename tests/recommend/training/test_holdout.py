"""Questions about events that a model has not learned."""

from dataclasses import replace

import numpy as np
import pytest

from recommend.models.base import Items
from recommend.training import holdout
from recommend.training.dataset import Dataset
from recommend.training.features import Features
from recommend.training.figures import figures

KEYS = np.array([30, 10, 20, 40])


def data(*histories: list[tuple[int, float]]) -> Dataset:
    """Each history as (item row, time)."""
    flat = [event for history in histories for event in history]
    starts = np.cumsum([0, *map(len, histories)])
    rows, times = (np.array([event[which] for event in flat]) for which in (0, 1))
    n = len(flat)
    return Dataset(
        Items(KEYS), Features(), np.arange(len(histories)), starts, rows.astype(np.int64), times.astype(float),
        np.ones(n, np.float32),
    )  # fmt: skip


class Fixed:
    """Scores every item as it was told, whatever the history."""

    def __init__(self, *scores: float) -> None:
        self.scores = np.array(scores, np.float32)
        self.asked: list[list[int]] = []

    def score(self, histories):
        self.asked += [history.tolist() for history in histories]
        return np.tile(self.scores, (len(histories), 1))


def test_each_new_product_after_the_moment_is_a_question_with_all_that_came_before():
    found = holdout.held_out(data([(0, 1), (1, 5), (2, 6), (1, 7)], [(3, 2), (0, 3)], [(2, 8)]), since=4)
    assert [history.tolist() for history in found.histories] == [[30], [30, 10]]
    assert found.answers.tolist() == [10, 20]  # the second visit to 10, and who has no past, are no questions


def test_ranks_are_among_what_the_shopper_has_not_had():
    questions = holdout.held_out(data([(0, 1), (1, 5)]), since=4)
    outcome = holdout.ask(Fixed(9, 2, 3, 1), KEYS, questions)
    assert outcome.ranks.tolist() == [2]
    assert outcome.figures()["hr@10"] == 1
    assert outcome.ndcg == pytest.approx(1 / np.log2(3))


def test_a_model_that_scores_all_alike_gains_nothing_by_it():
    questions = holdout.held_out(data([(0, 1), (1, 5)]), since=4)
    assert holdout.ask(Fixed(1, 1, 1, 1), KEYS, questions).ranks.tolist() == [3]
    assert np.isinf(holdout.ask(Fixed(np.nan, np.nan, np.nan, np.nan), KEYS, questions).ranks).all()


def test_a_model_with_other_items_is_asked_in_its_own_rows_and_about_what_it_knows():
    questions = holdout.held_out(data([(0, 1), (3, 2), (1, 5), (2, 6)]), since=4)
    keys = np.array([10, 30])
    model = Fixed(1, 2)
    outcome = holdout.ask(model, keys, questions)
    assert model.asked == [[1], [1, 0]]
    assert outcome.ranks.tolist() == [1, np.inf]
    assert questions.known_to(KEYS, keys).answers.tolist() == [10]


def test_the_difference_is_over_the_same_questions():
    questions = holdout.held_out(data([(0, 1), (1, 5)], [(0, 1), (2, 5)]), since=4)
    good, bad = (holdout.ask(Fixed(*scores), KEYS, questions) for scores in ((0, 2, 1, 0), (0, 0, 1, 2)))
    by, error = holdout.difference(good, bad)
    assert by == pytest.approx(good.ndcg - bad.ndcg)
    assert by > 0
    assert error >= 0


def test_many_questions_are_drawn_the_same_way_by_one_seed():
    histories = [[(0, 1.0), (1, 5.0), (2, 6.0)] for _ in range(50)]
    one, two = (holdout.held_out(data(*histories), since=4, seed=3, most=20) for _ in range(2))
    assert len(one) == 20
    assert one.answers.tolist() == two.answers.tolist()


def test_what_stops_a_training_does_not_decide_where_there_is_enough():
    many = data(*[[(0, 1.0), (1, 5.0)] for _ in range(2 * holdout.FEWEST_QUESTIONS + 10)])
    one, two = holdout.halves(many, since=4)
    assert len(one) + len(two) == 2 * holdout.FEWEST_QUESTIONS + 10
    few = data(*[[(0, 1.0), (1, 5.0)] for _ in range(5)])
    one, two = holdout.halves(few, since=4)
    assert len(one) == len(two) == 5


def test_no_events_are_no_questions():
    assert len(holdout.held_out(data(), since=0)) == 0
    assert holdout.ask(Fixed(1), KEYS, holdout.held_out(data(), since=0)).figures()["questions"] == 0


def test_all_that_is_told_of_a_version_is_told_for_the_items_of_either_model():
    n = 20
    keys = np.arange(100, 100 + n)
    histories = [[(shopper % 5, 1.0), (5 + shopper % 5, 2.0), (10 + shopper % 10, 9.0)] for shopper in range(30)]
    given = data(*histories)
    attributes = np.stack([1 + np.arange(n) % 2, 3 + np.arange(n) % 3], axis=1)
    items = Items(keys, np.eye(n, dtype=np.float32), attributes, np.arange(n))
    given = replace(given, items=items)
    questions = holdout.held_out(given, since=5)
    for shown in (items, Items(keys[::-1].copy(), np.eye(n, dtype=np.float32), attributes[::-1].copy(), np.arange(n))):
        scores = np.arange(n, dtype=float) if shown is items else np.arange(n, dtype=float)[::-1]
        outcome = holdout.ask(Fixed(*scores), shown.keys, questions)
        told = figures(outcome, shown, questions, given.before(5))
        assert told["hr@10_new_shoppers"] == told["hr@10_cold_products"] == told["hr@10"] == 1
        assert "hr@10_known_shoppers" not in told
        low, high = told["ndcg@10_interval"]
        assert low <= told["ndcg@10"] <= high
        assert told["diversity"] == pytest.approx(1)  # no two products are alike in content
        assert told["gini_brands"] == pytest.approx(0)  # ten products in a row, of two brands in turn
        assert 0 < told["gini_items"] < 1


def test_the_interval_and_the_groups_weigh_events_as_the_figure_does():
    n = 20
    histories = [[(0, 1.0), (1 + shopper % 10, 9.0)] for shopper in range(60)]
    given = replace(data(*histories), items=Items(np.arange(n)))
    questions = holdout.held_out(given, since=5)
    # What is foreseen weighs little: the figure lies far below the plain mean.
    questions = replace(questions, weights=np.where(questions.answers <= 5, 0.1, 3.0).astype(np.float32))
    outcome = holdout.ask(Fixed(*([0.0] + [20.0 - row for row in range(5)] + [0.0] * 14)), np.arange(n), questions)
    told = figures(outcome, given.items, questions, given.before(5))
    low, high = told["ndcg@10_interval"]
    assert low <= told["ndcg@10"] <= high < outcome.gains.mean()
    assert told["hr@10_new_shoppers"] == pytest.approx(told["hr@10"], abs=1e-4)
