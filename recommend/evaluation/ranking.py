"""Full ranking: where among ALL items does a model put the one that came next?"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommend.evaluation.splits import Questions
from recommend.models.base import Ids, Recommender, Scores

AT = 10
AT_ONCE = 256  # histories whose scores over all items are held at once


@dataclass(frozen=True)
class Ranking:
    ranks: NDArray[np.int64]  # (questions,) of the answer, from 0
    lists: Ids  # (questions, AT or fewer) what would be shown, best first
    seconds: float


def rank(model: Recommender, questions: Questions, *, among: Ids | None = None) -> Ranking:
    """Put the questions to a model. What is in the history is not shown again, as in the published tables.

    `among`: rank these items alone. Items of one score share the middle of their places, so that a model which scores
    everything alike does as well as chance and no better.
    """
    ranks = np.zeros(len(questions), np.int64)
    lists: list[Ids] = []
    started = time.perf_counter()
    for start in range(0, len(questions), AT_ONCE):
        histories = questions.histories[start : start + AT_ONCE]
        answers = questions.answers[start : start + AT_ONCE]
        scores = np.array(model.score(histories), np.float32)
        if among is not None:
            out = np.ones(scores.shape[1], bool)
            out[among] = False
            scores[:, out] = -np.inf
        for row, (history, answer) in enumerate(zip(histories, answers, strict=True)):
            taken = scores[row, answer]
            scores[row, history] = -np.inf
            scores[row, answer] = taken
        mine = scores[np.arange(len(answers)), answers][:, None]
        above, level = (scores > mine).sum(1), (scores == mine).sum(1) - 1
        ranks[start : start + len(answers)] = above + level // 2
        lists.append(best(scores))
    shown = np.concatenate(lists) if lists else np.zeros((0, AT), np.int64)
    return Ranking(ranks, shown, time.perf_counter() - started)


def best(scores: Scores) -> Ids:
    """(histories, items) scores -> (histories, AT or as many as there are) the items that are highest, best first."""
    most = min(AT, scores.shape[1])
    first = np.argpartition(-scores, most - 1, axis=1)[:, :most] if most else np.zeros((len(scores), 0), np.int64)
    return np.take_along_axis(first, np.argsort(-np.take_along_axis(scores, first, 1), axis=1, kind="stable"), 1)
