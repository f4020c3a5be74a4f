"""What is lost by scoring candidates instead of every item: the same questions, once by each."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from qdrant_client import models

from recommend.evaluation.measures import gains
from recommend.evaluation.ranking import AT, rank
from recommend.evaluation.splits import Questions
from recommend.models.base import Ids, Scores
from recommend.serving.candidates import NEAREST, neighbour_rows
from recommend.training.behaviour import alias
from search.index.client import get_client

if TYPE_CHECKING:  # it brings torch along
    from recommend.models.blend import Blend

AT_ONCE = 500  # points in a request
ASKED_AT_ONCE = 64  # users


def candidates_against_all(blend: "Blend", questions: Questions, k: int = NEAREST) -> dict[str, Any]:
    """Return NDCG@10 of the blend over its candidates and over all items, their ratio, and what the candidates were.

    Candidates are found as for a request: the `k` items nearest to the user's vector, asked of the vector store in a
    collection made for this and dropped afterwards, and the neighbours of the last events. Items of the history are not
    shown again, and an answer that is no candidate gains nothing. Raises VectorStoreError.
    """
    with _stored(blend.transformer.item_vectors()) as collection:
        near = [row for rows in _nearest(collection, blend, questions, k) for row in rows]
    ranks = np.full(len(questions), len(blend.transformer.items), np.int64)
    found, sizes = 0, []
    for place, (history, answer) in enumerate(zip(questions.histories, questions.answers.tolist(), strict=True)):
        rows = np.union1d(near[place], neighbour_rows(blend, history)).astype(np.int64)
        rows = rows[~np.isin(rows, history) | (rows == answer)]
        sizes.append(len(rows))
        mine = np.flatnonzero(rows == answer)
        if not len(mine):
            continue
        found += 1
        scores = blend.score_candidates(history, rows)
        score = scores[mine[0]]
        ranks[place] = (scores > score).sum() + ((scores == score).sum() - 1) // 2
    candidates, everything = gains(ranks).mean(), gains(rank(blend, questions).ranks).mean()
    return {
        f"ndcg@{AT}": float(candidates),
        f"ndcg@{AT}_of_all": float(everything),
        "ratio": float(candidates / everything) if everything else 0.0,
        "answers_among_candidates": found / max(len(questions), 1),
        "candidates": float(np.mean(sizes)) if sizes else 0.0,
        "nearest": k,
        "questions": len(questions),
    }


@contextmanager
def _stored(vectors: Scores) -> Iterator[str]:
    """A collection of the items' vectors, each under its row; gone afterwards."""
    client, name = get_client(), f"{alias()}-evaluation-{uuid.uuid4().hex[:12]}"
    params = models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT)
    client.create_collection(name, vectors_config=params)
    try:
        for start in range(0, len(vectors), AT_ONCE):
            rows = enumerate(vectors[start : start + AT_ONCE].tolist(), start)
            client.upsert(name, [models.PointStruct(id=row, vector=vector) for row, vector in rows], wait=True)
        yield name
    finally:
        client.delete_collection(name)


def _nearest(collection: str, blend: "Blend", questions: Questions, k: int) -> Iterator[list[Ids]]:
    """For each question the rows of the items nearest to its user's vector, some questions at a time."""
    for start in range(0, len(questions), ASKED_AT_ONCE):
        users = blend.transformer.user_vectors(questions.histories[start : start + ASKED_AT_ONCE])
        asked = [models.QueryRequest(query=user, limit=k) for user in users.tolist()]
        answers = get_client().query_batch_points(collection, asked)
        yield [np.array([int(point.id) for point in answer.points], np.int64) for answer in answers]
