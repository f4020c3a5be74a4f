"""What can be said of a difference between two arms, and how much more would have to be seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
POWER = 0.8  # the chance of seeing a difference that is there
RESAMPLES = 2000
GROUPS = 2000  # visitors are put together into so many at most, which are drawn as one
MISMATCH = 0.001  # Fabijan et al. (KDD 2019): below it, arms are no fair halves
_Z = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))
_ENOUGH = _Z + float(stats.norm.ppf(POWER))

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether it is on one side of zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Sample:
    """Per visitor of one arm: (visitors,) searches, and how many of them succeeded."""

    searches: Counts
    successes: Counts

    @property
    def rate(self) -> float | None:
        total = int(self.searches.sum())
        return int(self.successes.sum()) / total if total else None


@dataclass(frozen=True)
class Difference:
    """Of the rates, B minus A. `error` is its standard error."""

    interval: Interval
    error: float

    @property
    def factor_needed(self) -> float | None:
        """How many times as many searches would show this difference, if it is the true one; None for one of zero."""
        return (_ENOUGH * self.error / self.interval.value) ** 2 if self.interval.value else None

    @property
    def smallest_visible(self) -> float:
        """The smallest difference that as many searches as there are would show with a chance of POWER."""
        return _ENOUGH * self.error


def difference(a: Sample, b: Sample, seed: int = 0) -> Difference | None:
    """Bootstrap the difference of two rates over visitors (Efron 1979); None where an arm has no searches.

    Visitors are drawn and not searches: those of one visitor are alike, and who was assigned to an arm was the visitor.
    """
    if a.rate is None or b.rate is None:
        return None
    chance = np.random.default_rng(seed)
    drawn = _resampled(b, chance) - _resampled(a, chance)
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(each) for each in np.quantile(drawn, [tail, 1 - tail]))
    return Difference(Interval(b.rate - a.rate, low, high), float(drawn.std(ddof=1)))


def rate_interval(sample: Sample, seed: int = 0) -> Interval | None:
    """The rate of one arm with its bootstrap interval."""
    if sample.rate is None:
        return None
    drawn = _resampled(sample, np.random.default_rng(seed))
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(each) for each in np.quantile(drawn, [tail, 1 - tail]))
    return Interval(sample.rate, low, high)


def _resampled(sample: Sample, chance: np.random.Generator) -> NDArray[np.float64]:
    """(RESAMPLES,) rates, each of as many visitors drawn with replacement."""
    searches, successes = _grouped(sample.searches), _grouped(sample.successes)
    count = len(searches)
    times = chance.multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return (times @ successes) / np.maximum(times @ searches, 1)


def _grouped(values: Counts) -> Counts:
    """Sums of groups of visitors in the order they come in, which says nothing of them (they come by their keys)."""
    if len(values) <= GROUPS:
        return values
    return np.bincount(np.arange(len(values)) % GROUPS, weights=values).astype(np.int64)


def mismatch(a: int, b: int, share_a: float = 0.5) -> float:
    """The probability of so uneven a division of visitors, if each went to A by chance with `share_a` (exact test)."""
    return float(stats.binomtest(a, a + b, share_a).pvalue) if a + b else 1.0


@dataclass(frozen=True)
class Preference:
    """Visitors who clicked more on one team's hits than on the other's."""

    a: int
    b: int
    ties: int = 0

    @property
    def decided(self) -> int:
        return self.a + self.b

    @property
    def interval(self) -> Interval | None:
        """How far B's share of those who decided is from one half: exact (Clopper and Pearson 1934), -0.5 to 0.5."""
        if not self.decided:
            return None
        exact = stats.binomtest(self.b, self.decided).proportion_ci(CONFIDENCE, method="exact")
        return Interval(self.b / self.decided - 0.5, float(exact.low) - 0.5, float(exact.high) - 0.5)

    @property
    def p(self) -> float:
        """Of the sign test: both teams are as good as each other."""
        return float(stats.binomtest(self.b, self.decided).pvalue) if self.decided else 1.0

    @property
    def factor_needed(self) -> float | None:
        """How many times as many deciding visitors would show this preference, if it is the true one."""
        if not self.decided or self.a == self.b:
            return None
        share = self.b / self.decided
        spread = _Z * 0.5 + (_ENOUGH - _Z) * math.sqrt(share * (1 - share))
        return (spread / (share - 0.5)) ** 2 / self.decided


def preference(scores: Sequence[int]) -> Preference:
    """From each visitor's clicks on B's hits less those on A's."""
    return Preference(
        sum(score < 0 for score in scores), sum(score > 0 for score in scores), sum(score == 0 for score in scores)
    )
