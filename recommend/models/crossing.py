"""What a shopper takes from a category that is new to them, learned from how all shoppers came to each category.

A conditional logit (McFadden, "Conditional logit analysis of qualitative choice behavior", 1974). The score of an item
is a weighted sum of a few readable parts; the weights are those under which the crossings of the newest part of the log
were most likely. A crossing is the first item of a category in a history. It competes with the other items of its
category and with items of all categories that the history lacks. The parts are log-ratios against chance:

- `liked`: how many shoppers took the item; `rise`: of all times that it was taken, how many were lately;
- `alike`: how many of the shoppers with a like history took it (a shopper's weight is the squared cosine of tf-idf);
- `items`: how often it shared a session with the items taken last;
- `categories`, and a part for each column of the attributes: the same for its category, brand and so on, which says
  more of an item with few events of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from recommend.models import counting, storage
from recommend.models.base import Ids, Interactions, Items, Progress, Scores, no_progress
from recommend.models.sessions import Crossings, crossings, sessions

CHUNK = 128  # histories that are scored at once
FEWEST_CROSSINGS = 50  # before weights are fitted to them


@dataclass
class _Tables:
    """What is counted from histories; everything that a score is made of, but the weights."""

    liked: Scores  # (items,)
    rise: Scores  # (items,)
    idf: Scores  # (items,)
    shoppers: sparse.csr_matrix  # (shoppers, items) tf-idf, rows of length 1
    items: sparse.csr_matrix  # (items, items) log of the lift, where it is above chance
    groups: list[Ids]  # for each grouping (items,) group numbers from 1, 0 for none
    lifts: list[Scores]  # for each grouping (groups, groups) log of the lift, row and column 0 being 0

    @cached_property
    def taken(self) -> sparse.csr_matrix:
        """(shoppers, items) 1 where the shopper took the item."""
        return counting.ones(self.shoppers)

    @cached_property
    def memberships(self) -> list[sparse.csr_matrix]:
        """For each grouping (items, groups) 1 where the item is in the group."""
        return [counting.membership(group, len(lift)) for group, lift in zip(self.groups, self.lifts, strict=True)]


class Crossing:
    """See the module. The last `recent` events are the context, `k` steps back with weight `recency ** k`.

    `shrink`: sessions in which two things are taken to have met, and to have been expected to, before any are counted.
    """

    name = "crossing"

    def __init__(
        self,
        recent: int = 20,
        recency: float = 0.9,
        rise_days: float = 30.0,
        shrink: float = 5.0,
        held_out: float = 0.2,
        examples: int = 1500,
        negatives: int = 300,
        own_category: float = 0.5,
        shoppers: int = 20_000,
    ) -> None:
        # held_out: the newest share of events, whose crossings decide the weights; examples: how many of them;
        # negatives: items that each competes with, beside its own category; own_category: the share of the likelihood
        # that is the choice within it; shoppers: at most so many are compared with a history.
        self.config: dict[str, Any] = {
            "recent": recent, "recency": recency, "rise_days": rise_days, "shrink": shrink, "held_out": held_out,
            "examples": examples, "negatives": negatives, "own_category": own_category, "shoppers": shoppers,
        }  # fmt: skip
        self.items_known = Items(np.zeros(0, np.int64))
        self.weights: dict[str, float] = {}
        self.tables: _Tables | None = None

    def fit(self, data: Interactions, *, seed: int = 0, progress: Progress = no_progress) -> None:
        """Count on the older part, fit the weights on the newer, count on everything. Steps: 3.

        Raises ValueError where the items have no categories.
        """
        if data.items.categories is None:
            raise ValueError("Crossing learns what leads from category to category, and these items have none.")
        self.items_known = data.items
        random = np.random.default_rng(seed)
        cuts = _cuts(data, self.config["held_out"])
        older = replace(
            data,
            histories=[history[:cut] for history, cut in zip(data.histories, cuts, strict=True)],
            times=data.times and [times[:cut] for times, cut in zip(data.times, cuts, strict=True)],
        )
        self.tables = self._count(older, random)
        progress(self.name, 1, 3, {})
        found = crossings(data, cuts, random).sample(self.config["examples"], random)
        self.weights = {name: 1.0 if name == "liked" else 0.5 for name in self.parts}
        if len(found) >= FEWEST_CROSSINGS:
            self.weights = self._fit(found, random)
        progress(self.name, 2, 3, {name: round(weight, 3) for name, weight in self.weights.items()})
        self.tables = self._count(data, random)
        progress(self.name, 3, 3, {})

    @property
    def parts(self) -> list[str]:
        """Names of what a score is made of."""
        columns = 0 if self.items_known.attributes is None else self.items_known.attributes.shape[1]
        return ["liked", "rise", "alike", "items", "categories", *(f"attribute {n}" for n in range(columns))]

    def _count(self, data: Interactions, random: np.random.Generator) -> _Tables:
        n, shrink = len(data.items), self.config["shrink"]
        everything = counting.rows(data.histories, n)
        taken = counting.ones(everything)
        shoppers = taken.shape[0]
        holders = np.asarray(taken.sum(axis=0)).ravel()
        events = np.asarray(everything.sum(axis=0)).ravel()
        chosen = np.flatnonzero(np.diff(taken.indptr))
        if len(chosen) > self.config["shoppers"]:
            chosen = np.sort(random.choice(chosen, self.config["shoppers"], replace=False))
        idf = np.log(max(shoppers, 1) / np.maximum(holders, 1))
        unit = counting.ones(counting.rows(sessions(data), n))
        groups = counting.groupings(data.items)
        return _Tables(
            liked=np.log(holders + 1).astype(np.float32),
            rise=counting.log_rise(data, events, self.config["rise_days"]),
            idf=idf.astype(np.float32),
            shoppers=counting.profiles(everything[chosen], idf),
            items=counting.item_lift(unit, shrink),
            groups=groups,
            lifts=[counting.group_lift(unit, group, shrink) for group in groups],
        )

    def _parts(self, histories: Sequence[Ids], chosen: Ids | None = None) -> NDArray[np.float32]:
        """Return (histories, items, parts) of the scores; of the `chosen` items alone, if some are."""
        tables = self._counted()
        contexts = [history[-self.config["recent"] :] for history in histories]
        n, count = len(self.items_known), len(histories)
        of: Any = slice(None) if chosen is None else chosen
        context = counting.rows(
            contexts, n, [self.config["recency"] ** np.arange(len(each) - 1, -1, -1) for each in contexts]
        )
        found = np.zeros((count, n if chosen is None else len(chosen), len(self.parts)), np.float32)
        found[:, :, 0] = tables.liked[of]
        found[:, :, 1] = tables.rise[of]
        found[:, :, 2] = self._alike(counting.rows(histories, n))[:, of]
        found[:, :, 3] = (counting.tempered(context) @ tables.items).toarray()[:, of]
        groupings = zip(tables.groups, tables.memberships, tables.lifts, strict=True)
        for part, (group, members, lift) in enumerate(groupings, start=4):
            of_group = context @ members
            of_group.data = np.minimum(of_group.data, 1)  # a group speaks once, however many of it were taken
            found[:, :, part] = (counting.tempered(of_group.tocsr()) @ lift)[:, group[of]]
        return found

    def _alike(self, histories: sparse.csr_matrix) -> Scores:
        """Log of how many of the like shoppers took each item, against how many of all."""
        tables = self._counted()
        near = (counting.profiles(histories, tables.idf) @ tables.shoppers.T).tocsr()
        near.data **= 2
        total = np.asarray(near.sum(axis=1))
        shares = (sparse.diags(1 / np.maximum(total.ravel(), 1e-9)) @ near @ tables.taken).toarray()
        log_ratio: Scores = np.log(shares * tables.shoppers.shape[0] + 1) - tables.liked
        return np.where(total > 0, log_ratio, 0).astype(np.float32)

    def _fit(self, found: Crossings, random: np.random.Generator) -> dict[str, float]:
        categories = self.items_known.categories
        assert categories is not None  # noqa: S101 - fit looked
        sets: list[NDArray[np.float32]] = []
        for start in range(0, len(found), CHUNK):
            part = found.take(slice(start, start + CHUNK))
            parts = self._parts(part.histories)
            for row, (target, history) in enumerate(zip(part.targets, part.histories, strict=True)):
                seen = np.unique(categories[history])
                free = np.flatnonzero(~np.isin(categories, seen))
                own = np.flatnonzero(categories == categories[target])
                drawn = random.choice(free, min(self.config["negatives"], len(free)), replace=False)
                others = np.setdiff1d(drawn, own)
                # The target first, then its category, then what was drawn, which stands for all that is free.
                order = np.concatenate([[target], own[own != target], others])
                log_weight = np.zeros((len(order), 2), np.float32)
                log_weight[len(own) :, 0] = np.log(len(free) / len(drawn))
                log_weight[len(own) :, 1] = -np.inf
                sets.append(np.concatenate([parts[row, order], log_weight], axis=1))
        return dict(zip(self.parts, _likeliest(sets, self.config["own_category"]).tolist(), strict=True))

    def score(self, histories: Sequence[Ids]) -> Scores:
        weights = np.array([self.weights[name] for name in self.parts], np.float32)
        found = np.zeros((len(histories), len(self.items_known)), np.float32)
        for start in range(0, len(histories), CHUNK):
            found[start : start + CHUNK] = self._parts(histories[start : start + CHUNK]) @ weights
        return found

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        weights = np.array([self.weights[name] for name in self.parts], np.float32)
        scores: Scores = self._parts([history], candidates)[0] @ weights
        return scores

    def save(self, folder: Path) -> None:
        tables = self._counted()
        arrays: storage.Arrays = {
            "weights": np.array([self.weights[name] for name in self.parts], np.float64),
            "liked": tables.liked, "rise": tables.rise, "idf": tables.idf,
            **storage.matrix_arrays("shoppers", tables.shoppers),
            **storage.matrix_arrays("together", tables.items),
            **{f"lift {number}": lift for number, lift in enumerate(tables.lifts)},
            **storage.item_arrays(self.items_known),
        }  # fmt: skip
        storage.write(folder, self.name, self.config, arrays)

    @classmethod
    def load(cls, folder: Path) -> "Crossing":
        _, config, arrays = storage.read(folder)
        model = cls(**config)
        model.items_known = storage.items_from(arrays)
        groups = counting.groupings(model.items_known)
        model.tables = _Tables(
            liked=arrays["liked"], rise=arrays["rise"], idf=arrays["idf"],
            shoppers=storage.matrix_from("shoppers", arrays), items=storage.matrix_from("together", arrays),
            groups=groups, lifts=[arrays[f"lift {number}"] for number in range(len(groups))],
        )  # fmt: skip
        model.weights = dict(zip(model.parts, arrays["weights"].tolist(), strict=True))
        return model

    def _counted(self) -> _Tables:
        if self.tables is None:
            raise RuntimeError("The model has not been trained.")
        return self.tables


def _cuts(data: Interactions, share: float) -> Ids:
    """(histories,) how many events of each are of the older part."""
    lengths = np.array([len(history) for history in data.histories], np.int64)
    if data.times is None or not lengths.sum():
        return lengths - np.floor(lengths * share).astype(np.int64)
    until = np.quantile(np.concatenate(list(data.times)), 1 - share)
    return np.array([np.searchsorted(times, until) for times in data.times], np.int64)


def _likeliest(sets: list[NDArray[np.float32]], own: float) -> NDArray[np.float64]:
    """The weights under which the first row of each set was most likely the one chosen.

    Each set is (candidates, parts + 2): the last two columns are added to the score, for the choice among all and for
    that within the category, whose share of the likelihood is `own`.
    """
    every = np.concatenate(sets).astype(np.float64)
    parts, offsets = every[:, :-2], every[:, -2:]
    scale = np.maximum(parts.std(axis=0), 1e-6)
    parts = parts / scale
    starts = np.concatenate([[0], np.cumsum([len(each) for each in sets])[:-1]])
    owner = np.repeat(np.arange(len(sets)), [len(each) for each in sets])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = 1e-3 * float(weights @ weights), 2e-3 * weights
        for share, offset in ((1 - own, offsets[:, 0]), (own, offsets[:, 1])):
            scores = parts @ weights + offset
            highest = np.maximum.reduceat(scores, starts)
            likely = np.exp(scores - highest[owner])
            total = np.add.reduceat(likely, starts)
            value += share * float((highest + np.log(total) - scores[starts]).mean())
            probable = likely / total[owner]
            gradient = gradient + share * (parts.T @ probable - parts[starts].sum(axis=0)) / len(sets)
        return value, gradient

    fitted = optimize.minimize(loss, np.zeros(parts.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return np.asarray(fitted.x) / scale
