"""What is said of differences is right as often as it claims to be."""

import numpy as np
import pytest

from recommend.analytics import statistics
from recommend.analytics.experiments import LEAST, Arm, Interleaved, Result
from recommend.analytics.figures import Figures
from recommend.analytics.statistics import (
    GROUPS,
    Difference,
    Interval,
    Preference,
    Sample,
    difference,
    mismatch,
    preference,
    rate_interval,
)  # fmt: skip
from recommend.analytics.verdicts import verdict, verdict_of_mixed

NAMES = {"a": "A", "b": "B"}


def drawn(chance: np.random.Generator, visitors: int, rate: float) -> Sample:
    """Visitors who search often and differ: their searches are no independent tries."""
    searches = chance.geometric(0.4, visitors)
    own = chance.beta(rate * 4, (1 - rate) * 4, visitors)
    return Sample(searches, chance.binomial(searches, own))


@pytest.fixture
def _few_resamples(monkeypatch):
    """Enough for the question how often an interval is right."""
    monkeypatch.setattr(statistics, "RESAMPLES", 200)


@pytest.mark.slow
@pytest.mark.usefixtures("_few_resamples")
def test_equal_arms_differ_in_one_of_twenty_cases():
    chance = np.random.default_rng(1)
    found = [difference(drawn(chance, 200, 0.3), drawn(chance, 200, 0.3)) for _ in range(200)]
    wrong = sum(each.interval.is_known for each in found if each)
    assert 2 <= wrong <= 22  # 10 are expected, whose deviation is 3


def test_to_take_searches_for_independent_would_be_wrong_far_more_often():
    """Why visitors are drawn: ten searches by each of few people look like many."""
    chance = np.random.default_rng(2)
    sample = [
        Sample(np.full(60, 20), chance.binomial(20, chance.beta(1, 2, 60))) for _ in range(2)
    ]  # fmt: skip
    found = difference(*sample)
    assert found is not None
    rates = [each.rate for each in sample]
    naive = np.sqrt(sum(rate * (1 - rate) / 1200 for rate in rates))
    assert found.error > 2 * naive


@pytest.mark.slow
@pytest.mark.usefixtures("_few_resamples")
def test_the_searches_that_are_said_to_be_needed_show_the_difference():
    chance = np.random.default_rng(3)
    first = difference(drawn(chance, 400, 0.30), drawn(chance, 400, 0.34))
    assert first is not None
    truth = Difference(Interval(0.04, -1, 1), first.error)
    visitors = int(400 * (truth.factor_needed or 0))
    seen = [
        difference(drawn(chance, visitors, 0.30), drawn(chance, visitors, 0.34), seed=seed) for seed in range(40)
    ]  # fmt: skip
    assert 24 <= sum(each.interval.low > 0 for each in seen if each) <= 39  # 80 % are expected


@pytest.mark.slow
def test_many_visitors_are_put_together_without_losing_any():
    chance = np.random.default_rng(4)
    many = drawn(chance, 5 * GROUPS + 17, 0.3)
    interval = rate_interval(many)
    assert interval is not None
    assert interval.value == many.rate
    assert interval.low < many.rate < interval.high


def test_nothing_is_known_of_nothing():
    empty = Sample(np.array([], np.int64), np.array([], np.int64))
    assert empty.rate is rate_interval(empty) is difference(empty, empty) is None
    assert mismatch(0, 0) == 1
    assert preference([]).interval is None
    assert preference([]).factor_needed is None


def test_uneven_halves_are_noticed_and_even_ones_are_not():
    assert mismatch(5000, 5100) > 0.1
    assert mismatch(5000, 5600) < 1e-6


def test_each_visitor_counts_once_and_ties_do_not():
    told = preference([3, 1, 1, -9, 0, 1])
    assert (told.a, told.b, told.ties, told.decided) == (1, 4, 1, 5)
    assert told.interval == Interval(
        pytest.approx(0.3), pytest.approx(-0.216, abs=0.01), pytest.approx(0.495, abs=0.01)
    )
    assert Preference(30, 70).interval.is_known
    assert not Preference(48, 52).interval.is_known
    assert Preference(50, 50).factor_needed is None
    assert 0.5 < (Preference(40, 60).factor_needed or 0) * 100 / 194 < 1.5  # as tables of the sign test have it


def result(a: int, b: int, low: float, high: float, fair: float = 1.0) -> Result:
    arms = [Arm(name, count, Figures(searches=count, known=count), None) for name, count in (("a", a), ("b", b))]
    middle = (low + high) / 2
    return Result(*arms, Difference(Interval(middle, low, high), (high - low) / 4), fair)


def test_it_is_said_plainly_when_nothing_is_known():
    assert verdict(result(20, 20, 0.1, 0.2), NAMES)[0] == "Not known yet."
    said = verdict(result(900, 900, -0.01, 0.03), NAMES)
    assert said[0].startswith("Not known yet")
    assert "more searches would show it" in said[2]
    assert (
        result(900, 900, -0.01, 0.03).searches_needed == 12_328
    )  # 2.8 deviations are seen four times of five; one was
    assert "nobody can say" in verdict(result(900, 900, -0.02, 0.02), NAMES)[2]


def test_a_winner_is_named_unless_the_halves_are_unfair():
    assert verdict(result(900, 900, 0.01, 0.03), NAMES)[0] == "B is better."
    assert verdict(result(900, 900, -0.03, -0.01), NAMES)[0] == "A is better."
    assert "no fair halves" in verdict(result(900, 1200, 0.01, 0.03, 1e-9), NAMES)[0]
    assert result(900, 1200, 0.01, 0.03, 1e-9).winner == ""


def test_the_same_of_interleaving():
    def mixed(a: int, b: int) -> Interleaved:
        return Interleaved(1000, 500, a, b, 0, Preference(a, b))

    assert verdict_of_mixed(mixed(3, LEAST - 4), NAMES)[0] == "Not known yet."
    assert verdict_of_mixed(mixed(30, 90), NAMES)[0] == "B is better."
    said = verdict_of_mixed(mixed(55, 65), NAMES)
    assert said[0].startswith("Not known yet")
    assert "more searches" in said[2]
