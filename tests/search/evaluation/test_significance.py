"""Intervals and tests of differences: what must hold of any of them, and cases worked out by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.evaluation import significance

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=25)


@pytest.mark.slow
@given(VALUES)
def test_an_interval_holds_the_mean_of_what_never_varies_and_lies_within_the_values(values):
    low, high = significance.interval(values)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_the_bootstrap_is_the_same_every_time_and_another_with_another_seed():
    values = [0.1, 0.9, 0.4, 0.7, 0.2, 1.0]
    assert significance.interval(values) == significance.interval(values)
    assert significance.interval(values, seed=1) != significance.interval(values, seed=2)


def test_an_interval_narrows_with_more_queries():
    few = np.random.default_rng(0).random(20)
    low, high = significance.interval(few)
    wide = high - low
    low, high = significance.interval(np.tile(few, 16))
    assert high - low == pytest.approx(wide / 4, rel=0.25)


def test_a_ratio_pairs_its_sides():
    halves = [0.2, 0.4, 0.1, 0.5]
    assert significance.ratio_interval(halves, [2 * value for value in halves]) == pytest.approx((0.5, 0.5))
    with pytest.raises(ValueError, match="one value for each"):
        significance.ratio_interval([1.0], [1.0, 2.0])


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=25))
def test_p_is_a_probability_and_knows_no_direction(differences):
    p = significance.randomisation_test(differences, rounds=500)
    assert 0 < p <= 1
    assert significance.randomisation_test([-value for value in differences], rounds=500) == p


def test_p_of_a_case_worked_out_by_all_assignments():
    differences = [0.3, 0.2, -0.1, 0.4, 0.05, 0.25]
    every = [abs(np.dot(signs, differences)) for signs in itertools.product((-1, 1), repeat=len(differences))]
    exact = np.mean([total >= sum(differences) - 1e-12 for total in every])
    assert significance.randomisation_test(differences) == pytest.approx(exact, abs=0.02)


def test_no_difference_is_never_significant():
    assert significance.randomisation_test([0.0] * 30) == 1.0
    alike = significance.compare([0.5] * 10, [0.5] * 10)
    assert (alike.wins, alike.losses, alike.ties, alike.p) == (0, 0, 10, 1.0)


def test_the_test_keeps_its_level():
    random = np.random.default_rng(3)
    found = [significance.randomisation_test(random.normal(0, 1, 20), seed=n, rounds=400) < 0.05 for n in range(300)]
    assert 0.02 < np.mean(found) < 0.09


def test_holm_by_hand():
    assert significance.holm({"a": 0.01, "b": 0.04, "c": 0.03}) == {"a": 0.03, "b": 0.06, "c": 0.06}
    assert significance.holm({}) == {}


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_p_and_keeps_the_order(p_values):
    corrected = significance.holm(p_values)
    assert all(p <= corrected[name] <= 1 for name, p in p_values.items())
    by_p = sorted(p_values, key=lambda name: p_values[name])
    assert [corrected[name] for name in by_p] == sorted(corrected.values())


def test_a_comparison_counts_wins_from_the_side_of_the_new_one():
    told = significance.compare([0.1] * 12, [0.3] * 10 + [0.1, 0.0])
    assert (told.wins, told.losses, told.ties) == (10, 1, 1)
    assert told.interval[0] > 0
    assert told.verdict() == "better"
    assert told.verdict(0.2) == "not known to differ"
    assert significance.compare([0.3] * 12, [0.1] * 12).verdict() == "worse"
