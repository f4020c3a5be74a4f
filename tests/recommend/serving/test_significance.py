"""Whether things meet more often than chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from recommend.serving.significance import g_squared, lift, poisson_rise


@st.composite
def tables(draw):
    both, only_first, only_second, neither = (draw(st.integers(1, 500)) for _ in range(4))
    return both, only_first, only_second, neither


@given(tables())
def test_it_is_the_likelihood_ratio_of_the_table(table):
    both, first, second, neither = table
    cells = np.array([[both, first], [second, neither]])
    known = chi2_contingency(cells, correction=False, lambda_="log-likelihood").statistic
    found = float(g_squared(both, both + first, both + second, cells.sum()))
    assert abs(found) == pytest.approx(known, abs=1e-6, rel=1e-6)
    by_chance = (both + first) * (both + second) / cells.sum()
    assert np.sign(found) in (0, np.sign(both - by_chance)) or both == pytest.approx(by_chance)


def test_it_bears_empty_cells():
    assert float(g_squared(10, 10, 10, 10)) == pytest.approx(0)
    assert float(g_squared(10, 10, 10, 100)) > 60
    assert float(g_squared(0, 10, 10, 100)) < 0


def test_lift_is_one_at_chance():
    assert lift([5, 10], [50, 50], [10, 10], 100).tolist() == [1.0, 2.0]


@given(st.integers(0, 1000), st.floats(0.05, 1000))
def test_a_rise_has_the_sign_of_the_difference_and_grows_with_it(count, expected):
    here, above = poisson_rise([count, count + 1], expected)
    assert above > here
    assert np.sign(here) == np.sign(count - expected) or abs(here) < 1e-6


def test_a_rise_is_near_a_z_score_for_large_counts():
    assert float(poisson_rise(1040, 1000)) == pytest.approx(40 / np.sqrt(1000), rel=0.02)
