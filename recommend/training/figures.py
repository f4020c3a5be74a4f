"""All that is told of a version: how often it was right, for whom, how sure that is, and what its lists are like."""

from typing import Any

import numpy as np

from recommend.evaluation.measures import Beyond, exposure_gini
from recommend.evaluation.ranking import AT
from recommend.evaluation.splits import FEW
from recommend.models.base import Items
from recommend.training.dataset import Dataset
from recommend.training.holdout import HeldOut, Outcome, rows_of
from search.evaluation.significance import interval

GROUPS = ("brands", "stores")  # the first columns of the attributes, as `training.features` writes them
DIGITS = 5


def figures(outcome: Outcome, items: Items, questions: HeldOut, past: Dataset) -> dict[str, Any]:
    """Figures of a model with these items that was asked these questions; `past` is what came before them.

    Beside `Outcome.figures`: the 95 % interval of NDCG by the bootstrap; the hit rate for new and for known shoppers,
    and for products that nobody had taken before; novelty, diversity, exposure and calibration as
    `recommend.evaluation.measures` has them.
    """
    told = outcome.figures()
    if not len(questions) or outcome.lists.shape[1] < AT:
        return told
    weights = outcome.weights
    told["ndcg@10_interval"] = [round(each, DIGITS) for each in interval(outcome.gains * weights / weights.mean())]
    hits = outcome.ranks <= AT
    few = np.array([len(history) <= FEW for history in questions.histories])
    order = np.argsort(items.keys)
    taken = np.zeros(len(items))
    learned, counts = np.unique(past.items.keys[past.rows], return_counts=True)
    both = np.isin(learned, items.keys)
    taken[rows_of(items.keys, order, learned)] = counts[both]
    known = np.isin(questions.answers, learned)
    for name, group in (("new_shoppers", few), ("known_shoppers", ~few), ("cold_products", ~known)):
        if group.any():
            told[f"hr@10_{name}"] = round(float(np.average(hits[group], weights=weights[group])), DIGITS)
    histories = [rows_of(items.keys, order, history) for history in questions.histories]
    lists = Beyond(items, taken / max(taken.sum(), 1)).measure(outcome.lists, histories)
    if items.attributes is not None:
        for column, name in enumerate(GROUPS):
            lists[f"gini_{name}"] = exposure_gini(items.attributes[:, column], outcome.lists)
    return {**{name: round(value, DIGITS) for name, value in lists.items()}, **told}
