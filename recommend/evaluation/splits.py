"""What is learned from and what is asked: leave-one-out, one moment for all, and items kept out of training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from recommend.models.base import Ids, Interactions

HELD_OUT = 0.1  # of the events, where all are split at one moment
MOST_BY_TIME = 20_000  # questions
FEW = 5  # events or fewer: a shopper who is hardly known
FEWEST = 3  # events of a history that is asked about: one to know the shopper by, one to validate on, one to test on


@dataclass(frozen=True)
class Questions:
    """Histories, and the item that each of them was followed by."""

    histories: Sequence[Ids]
    answers: Ids

    def __len__(self) -> int:
        return len(self.answers)

    def chosen(self, mask: np.ndarray) -> "Questions":
        return Questions([self.histories[row] for row in np.flatnonzero(mask).tolist()], self.answers[mask])

    def sample(self, most: int) -> "Questions":
        """Return at most so many, drawn at random and always the same."""
        if len(self) <= most:
            return self
        mask = np.zeros(len(self), bool)
        mask[np.random.default_rng(0).choice(len(self), most, replace=False)] = True
        return self.chosen(mask)


@dataclass(frozen=True)
class Split:
    train: Interactions
    questions: Questions


def leave_one_out(data: Interactions, part: Literal["validation", "test"]) -> Split:
    """The protocol of the published tables: of each history the last item is the test, the one before it validation.

    Models learn from what is before both, whichever part is asked. The test is asked with the validation item in the
    history, as the shopper has taken it by then; it is never learned from.
    """
    back = 1 if part == "test" else 2
    asked = [history for history in data.histories if len(history) >= FEWEST]
    questions = Questions([each[:-back] for each in asked], np.array([each[-back] for each in asked], np.int64))
    return Split(replace(data, histories=_learned(data), times=None), questions)


def cold_items(data: Interactions, share: float, seed: int) -> tuple[Split, Ids]:
    """Leave-one-out with a share of the items removed from all of training; asks for those alone.

    They are removed from the histories of the questions too, for nobody can have taken what is not there yet. Returns
    the split and the rows of the cold items. Raises ValueError where nothing is left to ask.
    """
    random = np.random.default_rng(seed)
    cold = np.sort(random.choice(len(data.items), round(share * len(data.items)), replace=False))
    is_cold = np.zeros(len(data.items), bool)
    is_cold[cold] = True
    train = [history[~is_cold[history]] for history in _learned(data)]
    asked = [each for each in data.histories if len(each) >= FEWEST and is_cold[each[-1]]]
    asked = [each for each in asked if not is_cold[each[:-1]].all()]
    if not asked:
        raise ValueError("There are too few histories to keep items out of training and ask for them.")
    histories = [each[:-1][~is_cold[each[:-1]]] for each in asked]
    questions = Questions(histories, np.array([each[-1] for each in asked], np.int64))
    return Split(replace(data, histories=train, times=None), questions), cold


def global_time(data: Interactions) -> Split:
    """One moment for all: the newest tenth of the events is asked about, one by one, and none is learned from.

    See Ji et al., "A critical study on data leakage in recommender system offline evaluation" (TOIS 2023). Raises
    ValueError for data without times.
    """
    if data.times is None:
        raise ValueError("A split by time needs the times of the events.")
    moment = np.quantile(np.concatenate(list(data.times)), 1 - HELD_OUT)
    before = [int(np.searchsorted(times, moment)) for times in data.times]
    train = [history[:end] for history, end in zip(data.histories, before, strict=True)]
    times = [each[:end] for each, end in zip(data.times, before, strict=True)]
    asked, answers = [], []
    for history, end in zip(data.histories, before, strict=True):
        for place in range(max(end, 1), len(history)):
            if history[place] not in history[:place]:  # a shop need not recommend what was just looked at
                asked.append(history[:place])
                answers.append(history[place])
    questions = Questions(asked, np.array(answers, np.int64))
    return Split(replace(data, histories=train, times=times), questions.sample(MOST_BY_TIME))


def _learned(data: Interactions) -> list[Ids]:
    return [history[:-2] if len(history) >= FEWEST else history for history in data.histories]
