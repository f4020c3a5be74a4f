"""How well a model foresees events that it has not learned from: the newest ones, split off at one moment for all.

Each held-out event asks for the product that came next, given all that the shopper did before it; only products that
are new to the shopper count, since a shop need not recommend what was just looked at. Every item that the shopper has
not had is ranked. See Ji et al., "On offline evaluation of recommender systems" (2020), for why one moment for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommend.evaluation.measures import gains
from recommend.evaluation.ranking import AT, AT_ONCE, best
from recommend.models.base import Ids, Recommender
from recommend.training.dataset import Dataset

MOST_QUESTIONS = 4000  # in all, drawn at random: the figure's standard error is then below .005
MOST_PER_SHOPPER = 5
FEWEST_QUESTIONS = 40  # below it halves would say nothing, and all questions are used for both
LONGEST = 50  # events of a history that a model is asked with, as in serving


@dataclass(frozen=True)
class HeldOut:
    """Questions: histories of product ids, each with the product that came next, and how much that event weighs."""

    histories: Sequence[Ids]
    answers: Ids
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.answers)

    def known_to(self, *keys: Ids) -> "HeldOut":
        """The questions whose answer each of the models knows, by its items' keys."""
        kept = np.all([np.isin(self.answers, each) for each in keys], axis=0) if keys else np.ones(len(self), bool)
        histories = [history for history, keep in zip(self.histories, kept, strict=True) if keep]
        return HeldOut(histories, self.answers[kept], self.weights[kept])


def held_out(dataset: Dataset, since: float, *, seed: int = 0, most: int = MOST_QUESTIONS) -> HeldOut:
    """Questions from the events since a moment (seconds since the epoch)."""
    keys = dataset.items.keys
    found: list[tuple[int, int]] = []  # (start of the history, place of the answer)
    for row in np.flatnonzero(
        np.logical_or.reduceat(dataset.times >= since, dataset.starts[:-1]) if len(dataset) else []
    ):
        start, end = dataset.starts[row : row + 2].tolist()
        items = dataset.rows[start:end]
        _, firsts = np.unique(items, return_index=True)
        new = np.sort(firsts[(firsts > 0) & (dataset.times[start:end][firsts] >= since)])
        found += [(start, start + place) for place in new[:MOST_PER_SHOPPER].tolist()]
    if len(found) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(found), most, replace=False))
        found = [found[place] for place in chosen]
    places = np.array([place for _, place in found], np.int64)
    histories = [keys[dataset.rows[start:place]] for start, place in found]
    return HeldOut(histories, keys[dataset.rows[places]], dataset.weights[places])


def halves(dataset: Dataset, since: float, *, seed: int = 0) -> tuple[HeldOut, HeldOut]:
    """Questions by shopper in two halves: what stops a training early must not decide about its result as well."""
    which = np.random.default_rng(seed).permutation(len(dataset.shoppers)) % 2
    one, two = (held_out(dataset.of_shoppers(which == half), since, seed=seed) for half in (0, 1))
    if min(len(one), len(two)) < FEWEST_QUESTIONS:
        one = two = held_out(dataset, since, seed=seed)
    return one, two


@dataclass(frozen=True)
class Outcome:
    """What a model made of the questions."""

    ranks: NDArray[np.float64]  # (questions,) of the answer, from 1; infinite where the model does not know it
    weights: NDArray[np.float32]
    lists: Ids  # (questions, AT or fewer) item rows that would be shown, best first
    items: int

    @property
    def gains(self) -> NDArray[np.float64]:
        """(questions,) NDCG@AT of each."""
        return gains(self.ranks - 1)

    @property
    def ndcg(self) -> float:
        """Mean of `gains`, weighted by kind of event."""
        return float(np.average(self.gains, weights=self.weights)) if len(self.ranks) else 0.0

    def figures(self) -> dict[str, Any]:
        n = len(self.ranks)
        hits = self.ranks <= AT
        return {
            f"ndcg@{AT}": round(self.ndcg, 5),
            f"hr@{AT}": round(float(np.average(hits, weights=self.weights)), 5) if n else 0.0,
            "mrr": round(float(np.average(1 / self.ranks, weights=self.weights)), 5) if n else 0.0,
            f"coverage@{AT}": round(len(np.unique(self.lists)) / self.items, 5) if self.items else 0.0,
            "questions": n,
        }


def ask(model: Recommender, keys: Ids, questions: HeldOut) -> Outcome:
    """Put the questions to a model whose item i is the product `keys[i]`; it is not told of products it does not know.

    Ties count against the model: one that scores everything alike foresees nothing.
    """
    order = np.argsort(keys)
    ranks = np.full(len(questions), np.inf)
    lists = np.zeros((len(questions), min(AT, len(keys))), np.int64)
    for start in range(0, len(questions), AT_ONCE):
        histories = [rows_of(keys, order, each) for each in questions.histories[start : start + AT_ONCE]]
        answers = questions.answers[start : start + AT_ONCE]
        scores = np.array(model.score([each[-LONGEST:] for each in histories]), np.float32)
        for row, (history, answer) in enumerate(zip(histories, answers, strict=True)):
            scores[row, history] = -np.inf
            if len(found := rows_of(keys, order, np.array([answer]))):
                mine = scores[row, found[0]]
                ranks[start + row] = np.sum(scores[row] >= mine) if np.isfinite(mine) else np.inf
        lists[start : start + len(answers)] = best(scores)
    return Outcome(ranks, questions.weights, lists, len(keys))


def rows_of(keys: Ids, order: Ids, products: Ids) -> Ids:
    """The rows of those of the products that are among the keys; `order` sorts the keys."""
    place = order[np.searchsorted(keys, products, sorter=order).clip(max=len(keys) - 1)]
    return place[keys[place] == products]


def difference(new: Outcome, old: Outcome) -> tuple[float, float]:
    """Return by how much `new` is better in NDCG over the same questions, and the standard error of that."""
    gained = (new.gains - old.gains) * new.weights / new.weights.mean()
    return float(gained.mean()), float(gained.std() / np.sqrt(len(gained)))
