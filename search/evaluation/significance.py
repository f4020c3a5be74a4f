"""How sure a difference is: bootstrap intervals, paired tests over queries, and a correction where many are made.

A search is measured query by query, so two configurations are compared pair by pair: what both find hard says nothing
about either. Smucker, Allan and Carterette ("A comparison of statistical significance tests for information retrieval
evaluation", CIKM 2007) find the randomisation test and the bootstrap to agree with the t-test where its assumptions
hold, and the sign and Wilcoxon tests to mislead; the randomisation test assumes least.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BOOTSTRAPS = 1000
ROUNDS = 10_000  # random assignments of a randomisation test
AT_ONCE = 500  # rounds whose signs are held in memory
LEVEL = 0.05
TIE = 1e-6  # a smaller difference on a query is none

Values = Sequence[float] | NDArray[np.float64]


def interval(values: Values, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the mean, by the percentile bootstrap (Efron and Tibshirani, 1993).

    Of differences between two configurations on the same queries it is the paired interval. (0, 0) without values.
    """
    given = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(seed)
    means = [random.choice(given, len(given)).mean() for _ in range(BOOTSTRAPS)] if len(given) else [0.0]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def ratio_interval(numerators: Values, denominators: Values, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a ratio of two means over the same queries, by the bootstrap over queries."""
    above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if len(above) != len(below):
        raise ValueError("Both sides of a ratio need one value for each query.")
    if not len(above):
        return 0.0, 0.0
    rows = np.random.default_rng(seed).integers(0, len(above), (BOOTSTRAPS, len(above)))
    means = below[rows].mean(axis=1)
    ratios = above[rows].mean(axis=1)[means > 0] / means[means > 0]
    low, high = np.quantile(ratios, [0.025, 0.975]) if len(ratios) else (0.0, 0.0)
    return float(low), float(high)


def randomisation_test(differences: Values, seed: int = 0, rounds: int = ROUNDS) -> float:
    """Two-sided p of Fisher's paired randomisation test: how often random signs give a mean as far from 0.

    Between 1 / (rounds + 1) and 1; the observed assignment counts as one of them, so that p is never 0 and the test
    keeps its level (Phipson and Smyth, 2010).
    """
    given = np.asarray(differences, dtype=np.float64)
    given = given[np.abs(given) > TIE]  # what is 0 stays 0 under either sign
    if not len(given):
        return 1.0
    random, observed, as_far = np.random.default_rng(seed), abs(given.sum()), 0
    for start in range(0, rounds, AT_ONCE):
        signs = random.integers(0, 2, (min(AT_ONCE, rounds - start), len(given))) * 2 - 1
        as_far += int((np.abs(signs @ given) >= observed - 1e-12).sum())
    return (as_far + 1) / (rounds + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p of each of several tests, so that the chance of any false one stays at the level (Holm, 1979)."""
    adjusted: dict[str, float] = {}
    least = 0.0
    for position, (name, p) in enumerate(sorted(p_values.items(), key=lambda each: each[1])):
        least = max(least, min(1.0, p * (len(p_values) - position)))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


@dataclass(frozen=True)
class Comparison:
    """A configuration against the one before, on one measure; `difference` is positive where the new one is better."""

    queries: int
    wins: int
    losses: int
    ties: int
    difference: float  # of the means
    interval: tuple[float, float]  # 95 %, of that
    p: float

    def verdict(self, p: float | None = None) -> str:
        """What may be said of it at the 5 % level; `p` is the corrected one where several tests were made at once."""
        if (self.p if p is None else p) >= LEVEL:
            return "not known to differ"
        return "better" if self.difference > 0 else "worse"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "interval": list(self.interval)}


def compare(before: Values, after: Values, seed: int = 0) -> Comparison:
    """Hold two configurations against each other; row by row, both were measured on the same query."""
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if len(old) != len(new):
        raise ValueError("Both configurations need one value for each query.")
    by_query = new - old
    wins, losses = int((by_query > TIE).sum()), int((by_query < -TIE).sum())
    return Comparison(
        queries=len(by_query),
        wins=wins,
        losses=losses,
        ties=len(by_query) - wins - losses,
        difference=float(by_query.mean()) if len(by_query) else 0.0,
        interval=interval(by_query, seed),
        p=randomisation_test(by_query, seed),
    )
