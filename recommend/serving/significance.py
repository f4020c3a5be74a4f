"""Whether two things meet more often than chance, and by how much."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Chi-squared with one degree of freedom passes these by chance once in a thousand, and once in a hundred times.
ONE_IN_A_THOUSAND, ONE_IN_A_HUNDRED = 10.83, 6.63


def g_squared(together: ArrayLike, first: ArrayLike, second: ArrayLike, total: ArrayLike) -> NDArray[np.float64]:
    """Dunning's log-likelihood ratio of a two-by-two table, signed: negative where they meet less than by chance.

    `together` units have both, `first` and `second` have each, of `total`. Unlike chi-squared it holds for the small
    counts that most pairs of products have (Dunning, "Accurate methods for the statistics of surprise and
    coincidence", Computational Linguistics 19, 1993).
    """
    both = np.asarray(together, np.float64)
    a, b, n = (np.asarray(each, np.float64) for each in (first, second, total))
    cells = np.stack(np.broadcast_arrays(both, a - both, b - both, n - a - b + both))
    rows = np.stack(np.broadcast_arrays(a, n - a))
    columns = np.stack(np.broadcast_arrays(b, n - b))
    ratio = 2 * (_x_log_x(cells).sum(0) - _x_log_x(rows).sum(0) - _x_log_x(columns).sum(0) + _x_log_x(n))
    return np.where(both * n >= a * b, 1.0, -1.0) * np.maximum(ratio, 0.0)


def lift(together: ArrayLike, first: ArrayLike, second: ArrayLike, total: ArrayLike) -> NDArray[np.float64]:
    """How many times more often than by chance they meet; 1 is chance."""
    both, a, b, n = (np.asarray(each, np.float64) for each in (together, first, second, total))
    return both * n / np.maximum(a * b, 1e-12)


def poisson_rise(count: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """Signed root of the Poisson deviance of `count` where `expected` (above 0) was due: about a z score.

    Better than (count - expected) / sqrt(expected) for the small counts of most products (McCullagh and Nelder,
    "Generalized Linear Models", 1989, section 2.4).
    """
    n, mean = np.asarray(count, np.float64), np.asarray(expected, np.float64)
    deviance = 2 * (_x_log_x(n) - n * np.log(mean) - (n - mean))
    return np.sign(n - mean) * np.sqrt(np.maximum(deviance, 0.0))


def _x_log_x(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.maximum(x, 0.0)  # a cell that rounding made slightly negative is empty
    return x * np.log(np.where(x > 0, x, 1.0))
