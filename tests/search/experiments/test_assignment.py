"""Who sees which arm: for ever the same, evenly, and independently of other experiments."""

import uuid
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from search.experiments.assignment import arm_of, seed_of

SALT, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
VISITORS = [uuid.UUID(int=number * 7919) for number in range(1, 20_001)]


def test_arms_get_equal_halves():
    arms = Counter(arm_of(SALT, visitor, 1.0) for visitor in VISITORS)
    assert set(arms) == {"a", "b"}
    assert binomtest(arms["a"], len(VISITORS)).pvalue > 0.001


def test_a_share_takes_part_and_a_larger_one_moves_nobody():
    tenth = {visitor: arm_of(SALT, visitor, 0.1) for visitor in VISITORS}
    half = {visitor: arm_of(SALT, visitor, 0.5) for visitor in VISITORS}
    assert binomtest(sum(arm is not None for arm in tenth.values()), len(VISITORS), 0.1).pvalue > 0.001
    assert all(half[visitor] == arm for visitor, arm in tenth.items() if arm)
    taking_part = Counter(arm for arm in tenth.values() if arm)
    assert binomtest(taking_part["a"], taking_part.total()).pvalue > 0.001
    assert {arm_of(SALT, visitor, 0.0) for visitor in VISITORS} == {None}


def test_two_experiments_divide_visitors_independently():
    cells = Counter((arm_of(SALT, visitor, 1.0), arm_of(OTHER, visitor, 1.0)) for visitor in VISITORS)
    assert chisquare(list(cells.values())).pvalue > 0.001
    assert len(cells) == 4


@given(st.uuids(), st.uuids(), st.floats(0, 1), st.text())
def test_nothing_but_the_names_decides(salt, visitor, share, query):
    assert arm_of(salt, visitor, share) == arm_of(uuid.UUID(str(salt)), uuid.UUID(str(visitor)), share)
    assert seed_of(salt, visitor, query) == seed_of(salt, visitor, query)
