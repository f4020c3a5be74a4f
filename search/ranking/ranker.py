"""A ranker of gradient-boosted trees: LambdaMART (Burges, "From RankNet to LambdaRank to LambdaMART", 2010).

With few judged queries trees would learn each of them by heart. So they are small, start from the order of the fusion,
and may only use what should help in the direction in which it should: more words in the title never lower a hit.
"""

import ctypes
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.ranking.features import FEATURES, NAMES
from search.ranking.groups import Group, folds

Rows = NDArray[np.float64]  # (n, features)

ROUNDS = 60
PARAMETERS: dict[str, Any] = {
    "objective": "lambdarank",
    "learning_rate": 0.08,
    "num_leaves": 8,
    "min_data_in_leaf": 20,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambdarank_truncation_level": 20,
    "monotone_constraints": [feature.rises for feature in FEATURES],
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # forked workers must not inherit threads, and a hundred rows need none
    "seed": 7,
    "verbosity": -1,
}
FUSED = NAMES.index("fused_score")
# Weights of the fusion's score on the scale of the trees: what they have to outvote. `fit` chooses one of them.
PRIORS = (4.0, 10.0, 20.0, 40.0)
INNER_FOLDS = 3
MOST_ROWS = 200_000  # to choose a prior with; so many rows outvote any


class RankerError(ValueError):
    """A ranker cannot be trained or read; the message says why."""


class Ranker:
    """Trees over `features.NAMES`, on top of the fusion's score. Safe to call from several threads."""

    def __init__(self, booster: Any, prior: float) -> None:
        self._booster = booster
        self.prior = prior

    def score(self, rows: Sequence[Sequence[float]] | Rows) -> NDArray[np.float64]:
        """``(n, features)`` to ``(n,)``; higher is better, comparable within one search alone."""
        given = np.asarray(rows, dtype=np.float64)
        trees = np.asarray(self._booster.predict(given, num_threads=1), dtype=np.float64)
        return trees + self.prior * given[:, FUSED]

    def contributions(self, rows: Sequence[Sequence[float]] | Rows) -> Rows:
        """``(n, features + 1)``: what each feature adds to the score; the last column is the same for all.

        SHAP values of the trees (Lundberg et al., Nature Machine Intelligence 2020), and the fusion's share beside.
        """
        given = np.asarray(rows, dtype=np.float64)
        shares = np.array(self._booster.predict(given, num_threads=1, pred_contrib=True), dtype=np.float64)
        shares[:, FUSED] += self.prior * given[:, FUSED]
        return shares

    def to_text(self) -> str:
        """LightGBM's own text format, which `ranker_from` reads."""
        return str(self._booster.model_to_string())

    def importance(self) -> dict[str, float]:
        """Share of the trees' gain by feature, largest first."""
        gains = np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
        total = float(gains.sum()) or 1.0
        pairs = sorted(zip(NAMES, (gains / total).tolist(), strict=True), key=lambda pair: -pair[1])
        return {name: round(share, 4) for name, share in pairs if share > 0}


def ranker_from(text: str, prior: Any) -> Ranker:
    """Read a ranker. Raises RankerError for what is none, or one of another number of features."""
    if not isinstance(prior, (int, float)) or not 0 <= prior <= 1000:
        raise RankerError("the weight of the fusion beside the trees is no number.")
    if not text.startswith("tree"):
        raise RankerError("this is no model in LightGBM's text format.")
    lightgbm = library()
    try:
        booster = lightgbm.Booster(model_str=text)
        width = booster.num_feature()
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise RankerError(f"LightGBM cannot read it: {error}") from error
    if width != len(NAMES):
        raise RankerError(f"it takes {width} features, and {len(NAMES)} are computed.")
    return Ranker(booster, float(prior))


def fit(groups: Sequence[Group], *, seed: int = 0) -> Ranker:
    """Train on all of the groups, with the prior that does best on parts of them that were held out.

    Raises RankerError where nothing tells hits apart.
    """
    groups = _telling(groups)
    if sum(len(group.rows) for group in groups) > MOST_ROWS:
        return train(groups, prior=PRIORS[0])
    if len({group.query for group in groups}) < INNER_FOLDS:
        return train(groups, prior=PRIORS[-1])
    parts = folds(groups, INNER_FOLDS, seed)

    def held_out(prior: float) -> float:
        found = 0.0
        for part in parts:
            trained = train([group for at, group in enumerate(groups) if at not in set(part)], prior=prior)
            found += sum(groups[at].ndcg(trained.score(groups[at].rows)) for at in part)
        return found

    # Of equals the strongest, which trusts the trees least.
    return train(groups, prior=max(reversed(PRIORS), key=held_out))


def train(groups: Sequence[Group], *, prior: float, **parameters: Any) -> Ranker:
    """Fit trees to graded groups, one for each search. Raises RankerError where nothing tells hits apart."""
    usable = _telling(groups)
    if not usable:
        raise RankerError("No query has hits of different grades among those that the search finds.")
    lightgbm = library()
    rows = np.vstack([group.rows for group in usable])
    data = lightgbm.Dataset(
        rows,
        label=np.concatenate([group.grades for group in usable]),
        group=[len(group.grades) for group in usable],
        weight=np.concatenate([group.weights for group in usable]),
        init_score=prior * rows[:, FUSED],
        feature_name=list(NAMES),
        free_raw_data=False,
    )
    few = {"min_data_in_leaf": min(int(PARAMETERS["min_data_in_leaf"]), max(len(rows) // 20, 1))}
    try:
        booster = lightgbm.train({**PARAMETERS, **few, **parameters}, data, num_boost_round=ROUNDS)
    except lightgbm.basic.LightGBMError as error:
        raise RankerError(f"LightGBM could not train: {error}") from error
    return Ranker(booster, prior)


def _telling(groups: Sequence[Group]) -> list[Group]:
    """Those whose hits differ in grade; the others teach nothing."""
    return [group for group in groups if len(set(group.grades.tolist())) > 1]


@cache
def library() -> Any:
    """LightGBM, imported when it is needed. Raises RankerError where it cannot be loaded.

    It wants the system's libgomp, which slim images lack; torch brings the same library along.
    """
    try:
        import lightgbm
    except OSError:
        spec = importlib.util.find_spec("torch")
        path = Path((spec.submodule_search_locations or ["."])[0], "lib", "libgomp.so.1") if spec else Path()
        try:
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
            import lightgbm
        except (OSError, ImportError) as error:
            raise RankerError(f"LightGBM cannot be loaded here: {error}") from error
    except ImportError as error:
        raise RankerError(f"LightGBM is not installed: {error}") from error
    return lightgbm
