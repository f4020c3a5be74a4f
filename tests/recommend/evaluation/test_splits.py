"""What may be learned from, and what is asked."""

import numpy as np
import pytest

from recommend.evaluation.splits import Questions, cold_items, global_time, leave_one_out
from recommend.models.base import Interactions, Items


@pytest.fixture
def data() -> Interactions:
    random = np.random.default_rng(0)
    histories = [random.choice(60, random.integers(1, 9), replace=False) for _ in range(200)]
    times = [np.sort(random.uniform(0, 1000, len(history))) for history in histories]
    return Interactions(Items(np.arange(60)), histories, times)


@pytest.mark.parametrize(("part", "back"), [("test", 1), ("validation", 2)])
def test_neither_of_the_last_two_items_is_learned_whichever_is_asked(data, part, back):
    split = leave_one_out(data, part)
    for learned, history in zip(split.train.histories, data.histories, strict=True):
        assert learned.tolist() == (history[:-2] if len(history) > 2 else history).tolist()
    asked = [history for history in data.histories if len(history) > 2]
    assert split.questions.answers.tolist() == [history[-back] for history in asked]
    assert [each.tolist() for each in split.questions.histories] == [history[:-back].tolist() for history in asked]


def test_cold_items_are_in_no_history_and_are_all_that_is_asked_for(data):
    split, cold = cold_items(data, 0.1, seed=1)
    assert len(cold) == 6
    assert not np.isin(np.concatenate(split.train.histories), cold).any()
    assert not np.isin(np.concatenate(split.questions.histories), cold).any()
    assert np.isin(split.questions.answers, cold).all()
    assert all(len(history) for history in split.questions.histories)


def test_too_little_data_for_cold_items_is_said(data):
    tiny = Interactions(Items(np.arange(4)), [np.array([0, 1, 2])])
    with pytest.raises(ValueError, match="too few"):
        cold_items(tiny, 0.1, seed=0)


def test_a_split_by_time_learns_nothing_that_came_after_what_is_asked(data):
    split = global_time(data)
    assert split.train.times is not None
    newest = max(times.max() for times in split.train.times if len(times))
    learned = {id(history): len(history) for history in split.train.histories}
    assert sum(learned.values()) == pytest.approx(0.9 * sum(map(len, data.histories)), abs=2)
    left = [times[len(kept) :] for times, kept in zip(data.times, split.train.histories, strict=True)]
    assert min(times.min() for times in left if len(times)) >= newest
    assert all(len(history) for history in split.questions.histories)


def test_a_split_by_time_needs_times(data):
    with pytest.raises(ValueError, match="times"):
        global_time(Interactions(data.items, data.histories))


def test_a_sample_is_the_same_each_time_and_keeps_answers_with_their_histories():
    questions = Questions([np.array([n]) for n in range(50)], np.arange(50))
    one, two = questions.sample(10), questions.sample(10)
    assert one.answers.tolist() == two.answers.tolist()
    assert len(one) == 10
    assert [history[0] for history in one.histories] == one.answers.tolist()
    assert questions.sample(50) is questions
