"""The measures, against their definitions and against cases worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.evaluation import ranking

GRADES = st.dictionaries(st.integers(0, 30), st.integers(0, 3), max_size=20)
RANKING = st.lists(st.integers(0, 40), unique=True, max_size=30)


def test_ndcg_of_a_case_worked_out_by_hand():
    grades = {"a": 3, "b": 1, "c": 0}
    got = 1 + 7 / math.log2(3)  # b, a
    assert ranking.ndcg(["b", "a", "c"], grades) == pytest.approx(got / (7 + 1 / math.log2(3)))


def test_what_nobody_judged_takes_a_place_unless_it_is_left_out():
    grades = {"a": 3}
    assert ranking.ndcg(["x", "a"], grades) == pytest.approx(1 / math.log2(3))
    assert ranking.ndcg(ranking.judged_only(["x", "a"], grades), grades) == 1


def test_only_the_first_k_count():
    assert ranking.ndcg(["x"] * 10 + ["a"], {"a": 3}, 10) == 0
    assert ranking.recall([*"xyz", "a"], {"a": 1}, 3) == 0


@pytest.mark.parametrize(("skus", "expected"), [("abc", 1.0), ("xab", 0.5), ("xyz", 0.0), ("", 0.0)])
def test_reciprocal_rank(skus, expected):
    assert ranking.reciprocal_rank(list(skus), {"a": 2, "x": 0}) == expected


@given(RANKING, GRADES)
def test_every_measure_lies_between_0_and_1(keys, grades):
    for measure in (ranking.ndcg, ranking.reciprocal_rank, ranking.recall):
        assert 0 <= measure(keys, grades) <= 1 + 1e-9


@given(GRADES)
def test_the_ideal_ranking_scores_1(grades):
    best = sorted(grades, key=lambda key: -grades[key])
    assert ranking.ndcg(best, grades, 10) == pytest.approx(1.0 if any(grades.values()) else 0.0)


@given(RANKING, GRADES, st.integers(0, 28))
def test_moving_a_better_product_up_never_lowers_ndcg(keys, grades, place):
    if place + 1 < len(keys) and grades.get(keys[place], 0) < grades.get(keys[place + 1], 0):
        swapped = [*keys[:place], keys[place + 1], keys[place], *keys[place + 2 :]]
        assert ranking.ndcg(swapped, grades) >= ranking.ndcg(keys, grades)
