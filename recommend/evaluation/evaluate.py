"""Train models and put the questions to them: several seeds, means and intervals, and the items nobody took yet."""

import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recommend.evaluation.measures import Beyond, accuracy, gains
from recommend.evaluation.ranking import rank
from recommend.evaluation.splits import FEW, Questions, Split, cold_items, global_time, leave_one_out
from recommend.models import registry
from recommend.models.base import Interactions, Progress, Recommender, no_progress
from search.evaluation.significance import interval

MODELS = ("popularity", "content", "item-knn", "seq-knn", "lstm", "transformer", "blend")
COLD_MODELS = ("content", "transformer", "blend")  # those that know an item by more than who took it
SEEDED = ("lstm", "transformer", "blend")  # the others come out the same each time
COLD = 0.1  # of the items are kept out of training

Watch = Callable[[str], Progress]
Look = Callable[[str, Recommender, Questions], None]  # at each trained model, and what it is asked
Figures = dict[str, Any]


def evaluate(
    data: Interactions,
    names: Sequence[str] = MODELS,
    *,
    seeds: int = 3,
    split: str = "leave-one-out",
    watch: Watch = lambda title: no_progress,
    look: Look = lambda name, model, questions: None,
) -> dict[str, Figures]:
    """Return for each model the means over the seeds; `by_seed` has every run.

    Raises KeyError for an unknown model, ValueError for a split that the data has no times for.
    """
    tested = global_time(data) if split == "time" else leave_one_out(data, "test")
    beyond = Beyond.of(tested.train)
    runs: dict[str, list[Figures]] = {name: [] for name in names}
    for seed in range(seeds):
        trained: dict[str, tuple[Recommender, float]] = {}
        for name in names:
            if seed and name not in SEEDED:
                runs[name].append(runs[name][0])
                continue
            trained[name] = train(name, tested, seed, watch(f"{name}, seed {seed}"), trained)
            runs[name].append(_figures(trained[name], tested.questions, beyond))
            look(name, trained[name][0], tested.questions)
    return {name: _mean(found) for name, found in runs.items()}


def evaluate_cold(
    data: Interactions,
    *,
    seeds: int = 3,
    watch: Watch = lambda title: no_progress,
) -> dict[str, Figures]:
    """Return for each model how it ranks items that were removed from training entirely.

    `hr@10`: among all items, where 10 of n is chance (`random`); `hr@10_among_cold`: among the removed ones alone.
    """
    runs: dict[str, list[Figures]] = {name: [] for name in (*COLD_MODELS, "random")}
    for seed in range(seeds):
        split, cold = cold_items(data, COLD, seed)
        trained: dict[str, tuple[Recommender, float]] = {}
        for name in COLD_MODELS:
            trained[name] = train(name, split, seed, watch(f"{name} without the cold, seed {seed}"), trained)
            model, _ = trained[name]
            everywhere, among = rank(model, split.questions), rank(model, split.questions, among=cold)
            runs[name].append(
                {
                    "hr@10": float(np.mean(everywhere.ranks < 10)),
                    "ndcg@10": float(gains(everywhere.ranks).mean()),
                    "hr@10_among_cold": float(np.mean(among.ranks < 10)),
                    "questions": len(split.questions),
                }
            )
        runs["random"].append({"hr@10": 10 / len(data.items), "hr@10_among_cold": 10 / len(cold)})
    return {name: _mean(found) for name, found in runs.items()}


def train(
    name: str,
    split: Split,
    seed: int,
    progress: Progress,
    trained: dict[str, tuple[Recommender, float]],
) -> tuple[Recommender, float]:
    """Return a trained model and the seconds it took: for as many epochs as its settings say.

    Not stopped by held-out items, unlike a training in a shop; docs/evaluation.md says why, and what that changes.
    A blend takes its transformer from `trained`, if it is there.
    """
    model = registry.build(name)
    taken = inspect.signature(model.fit).parameters
    extra: dict[str, Any] = {}
    before = 0.0
    if "transformer" in taken and "transformer" in trained:
        extra["transformer"], before = trained["transformer"]
    started = time.perf_counter()
    fit: Any = model.fit
    fit(split.train, seed=seed, progress=progress, **extra)
    return model, before + time.perf_counter() - started


def _figures(trained: tuple[Recommender, float], questions: Questions, beyond: Beyond) -> Figures:
    model, seconds = trained
    ranking = rank(model, questions)
    few = np.array([len(history) <= FEW for history in questions.histories])
    return {
        **accuracy(ranking.ranks),
        **beyond.measure(ranking.lists, questions.histories),
        "ndcg@10_interval": list(interval(gains(ranking.ranks))),
        "hr@10_few_events": float(np.mean(ranking.ranks[few] < 10)) if few.any() else 0.0,
        "hr@10_many_events": float(np.mean(ranking.ranks[~few] < 10)) if not few.all() else 0.0,
        "train_seconds": seconds,
        "ms_per_user": ranking.seconds * 1000 / max(len(questions), 1),
    }


def _mean(runs: list[Figures]) -> Figures:
    means: Figures = {name: np.mean([run[name] for run in runs], axis=0).tolist() for name in runs[0]}
    return {**means, "by_seed": runs}
