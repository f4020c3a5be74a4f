"""Team drafts: nothing twice, nothing lost, neither team ahead, and no luck of one team."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from search.experiments.interleaving import team_draft

rankings = st.lists(st.integers(0, 30), unique=True, max_size=25)
seeds = st.integers(0, 2**64 - 1)


@given(rankings, rankings, st.integers(0, 60), seeds)
def test_every_hit_comes_once_and_only_from_the_rankings(a, b, length, seed):
    mixed, teams = team_draft(a, b, length, seed)
    assert len(mixed) == len(set(mixed)) == len(teams)
    assert len(mixed) == min(length, len({*a, *b}))
    for hit, team in zip(mixed, teams, strict=True):
        assert hit in {"a": a, "b": b, "-": a}[team]


@given(rankings, rankings, seeds)
def test_neither_team_is_more_than_one_ahead_while_both_have_hits(a, b, seed):
    mixed, teams = team_draft(a, b, 60, seed)
    for place in range(len(teams) + 1):
        before = set(mixed[:place])
        if set(a) - before and set(b) - before:
            assert abs(teams[:place].count("a") - teams[:place].count("b")) <= 1


@given(rankings, rankings, seeds)
def test_each_team_sends_its_hits_in_its_own_order(a, b, seed):
    mixed, teams = team_draft(a, b, 60, seed)
    for team, ranking in (("a", a), ("b", b)):
        places = [ranking.index(hit) for hit, whose in zip(mixed, teams, strict=True) if whose == team]
        assert places == sorted(places)


@given(rankings, rankings, seeds, st.integers(0, 40))
def test_a_seed_decides_and_pages_continue_each_other(a, b, seed, length):
    mixed, teams = team_draft(a, b, 60, seed)
    assert team_draft(a, b, 60, seed) == (mixed, teams)
    assert team_draft(a[:length], b[:length], length, seed) == (mixed[:length], teams[:length])


@given(rankings, seeds)
def test_the_same_ranking_twice_is_itself_and_belongs_to_nobody(a, seed):
    assert team_draft(a, a, 60, seed) == (a, "-" * len(a))


def test_which_team_begins_is_an_even_chance():
    begins = Counter(team_draft([1, 2, 3], [4, 5, 6], 6, seed)[1][0] for seed in range(4000))
    assert binomtest(begins["a"], begins.total()).pvalue > 0.001


def test_random_clicks_prefer_neither_team():
    """The fairness that interleaving is used for: whoever clicks without looking credits both alike."""
    chance = random.Random(5)
    credit: Counter[str] = Counter()
    for seed in range(4000):
        a, b = chance.sample(range(20), 10), chance.sample(range(20), 10)
        teams = team_draft(a, b, 10, seed)[1]
        credit[teams[min(int(chance.expovariate(0.5)), 9)]] += 1
    assert binomtest(credit["a"], credit["a"] + credit["b"]).pvalue > 0.001
