"""What leads to other categories, learned beside the model of a version, for the complements on product and cart.

It is kept where it foresees the newest crossings of this shop better than the neighbours do, which need no training:
baskets of a supermarket are another matter than a shop where one thing follows another after days.
"""

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommend.models.base import Ids, Items, Progress, Recommender
from recommend.models.crossing import Crossing
from recommend.models.neighbours import SeqKNN
from recommend.models.sessions import Crossings, crossings
from recommend.training.dataset import Dataset

log = logging.getLogger(__name__)

BRAND_AND_STORE = 2  # columns of the attributes; those behind them are the categories, which the model has anyway
QUESTIONS, FEWEST = 2000, 50
AT_ONCE = 128


def learn(dataset: Dataset, split: float, seed: int, progress: Progress) -> tuple[Crossing | None, dict[str, float]]:
    """Return the model, trained on everything, and how it did on what happened since `split`.

    None where it is not better by more than the standard error, and where there is too little to tell. A version is
    published without it as well.
    """
    data = replace(dataset.interactions(), items=_described(dataset.items))
    past = replace(dataset.before(split).interactions(), items=data.items)
    categories = data.items.categories
    if categories is None or not len(past.histories):
        return None, {}
    since = np.array([np.searchsorted(times, split) for times in data.times or []], np.int64)
    random = np.random.default_rng(seed)
    asked = crossings(data, since, random).sample(QUESTIONS, random)
    if len(asked) < FEWEST:
        return None, {"questions": len(asked)}
    model, neighbours = Crossing(), SeqKNN()
    try:
        model.fit(past, seed=seed, progress=progress)
        neighbours.fit(past)
        mine, theirs = (_gains(each, asked, categories) for each in (model, neighbours))
        told = {"questions": len(asked), "crossing": float(mine.mean()), "neighbours": float(theirs.mean())}
        if (mine - theirs).mean() <= (mine - theirs).std() / len(asked) ** 0.5:
            return None, told
        model.fit(data, seed=seed, progress=progress)
    except (ValueError, ArithmeticError, LookupError):
        log.exception("Nothing was learned of what leads to other categories")
        return None, {}
    return model, told


def _described(items: Items) -> Items:
    attributes = items.attributes
    return replace(items, content=None, attributes=None if attributes is None else attributes[:, :BRAND_AND_STORE])


def _gains(model: Recommender, asked: Crossings, categories: Ids) -> NDArray[np.float64]:
    """(questions,) NDCG@10 among the products of all categories that are new to the history."""
    ranks = np.zeros(len(asked), np.float64)
    for start in range(0, len(asked), AT_ONCE):
        part = asked.take(slice(start, start + AT_ONCE))
        scores = model.score(part.histories)
        for row, (history, target) in enumerate(zip(part.histories, part.targets.tolist(), strict=True)):
            of = scores[row][~np.isin(categories, categories[history])]
            mine = scores[row, target]
            ranks[start + row] = (of > mine).sum() + ((of == mine).sum() - 1) / 2
    return np.where(ranks < 10, 1 / np.log2(ranks + 2), 0.0)
