"""What is counted of sessions and shoppers: who took what, what rose, and what met more often than by chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommend.models.base import Ids, Interactions, Items, Scores

DAY = 86_400.0
MOST_GROUPS = 1500  # of an attribute; the rarer ones tell nothing
FEWEST_TOGETHER = 2  # sessions, before two items are said to go together


def rows(lists: Sequence[Ids], n: int, weights: Sequence[NDArray[Any]] | None = None) -> sparse.csr_matrix:
    """(lists, n) how often (or with which weight) each item is in each list."""
    rows = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
    columns = np.concatenate([*lists, np.zeros(0, np.int64)]).astype(np.int64)
    values = np.ones(len(rows)) if weights is None else np.concatenate([*weights, np.zeros(0)])
    return sparse.csr_matrix((values.astype(np.float32), (rows, columns)), shape=(len(lists), n))


def ones(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Put 1 where there is anything."""
    return sparse.csr_matrix((np.ones(matrix.nnz, np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


def profiles(counts: sparse.csr_matrix, idf: Scores) -> sparse.csr_matrix:
    """(shoppers, items) tf-idf of what each took, rows of length 1."""
    weighted = counts.copy()
    weighted.data = np.log1p(weighted.data) * np.maximum(idf[weighted.indices], 1e-6)
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.maximum(length, 1e-9)) @ weighted).tocsr().astype(np.float32)


def tempered(context: sparse.csr_matrix) -> sparse.csr_matrix:
    """A context of many says more than one of few, but not in proportion: divided by the root of its weight."""
    total = np.asarray(context.sum(axis=1)).ravel()
    return (sparse.diags(1 / np.sqrt(np.maximum(total, 1))) @ context).tocsr().astype(np.float32)


def log_rise(data: Interactions, events: NDArray[Any], days: float) -> Scores:
    """(items,) log of how many of the events of the last `days` an item has, against its share of all."""
    if data.times is None or not events.sum():
        return np.zeros(len(events), np.float32)
    times, rows = np.concatenate(list(data.times)), np.concatenate(list(data.histories))
    lately = times > times.max() - days * DAY
    recent = np.bincount(rows[lately], minlength=len(events))
    return np.log((recent + 5) / (events * lately.mean() + 5)).astype(np.float32)


def item_lift(unit: sparse.csr_matrix, shrink: float) -> sparse.csr_matrix:
    """(items, items) log of the lift of pairs in sessions (sessions, items), where it is above chance."""
    counts = (unit.T @ unit).tocoo()
    alone = np.asarray(unit.sum(axis=0)).ravel()
    expected = alone[counts.row] * alone[counts.col] / max(unit.shape[0], 1)
    lift = np.log((counts.data + shrink) / (expected + shrink))
    kept = (counts.row != counts.col) & (counts.data >= FEWEST_TOGETHER) & (lift > 0)
    places = (counts.row[kept], counts.col[kept])
    return sparse.csr_matrix((lift[kept].astype(np.float32), places), shape=counts.shape)


def groupings(items: Items) -> list[Ids]:
    """Category and attribute columns, each with its values numbered from 1; 0 for none, and for the rarest values."""
    columns = [] if items.categories is None else [items.categories + 1]
    if items.attributes is not None:
        columns += list(items.attributes.T)
    found = []
    for column in columns:
        values, number, count = np.unique(column, return_inverse=True, return_counts=True)
        usable = np.flatnonzero(values > 0)
        usable = usable[np.argsort(-count[usable], kind="stable")][:MOST_GROUPS]
        numbers = np.zeros(len(values), np.int64)
        numbers[usable] = np.arange(1, len(usable) + 1)
        found.append(numbers[number])
    return found


def membership(group: Ids, count: int) -> sparse.csr_matrix:
    """(items, groups) with column 0 empty: what is in no group speaks for none."""
    within = np.flatnonzero(group)
    return sparse.csr_matrix((np.ones(len(within), np.float32), (within, group[within])), shape=(len(group), count))


def group_lift(unit: sparse.csr_matrix, group: Ids, shrink: float) -> Scores:
    """(groups, groups) log of the lift of two groups in sessions; row and column 0 are 0."""
    of_group = ones((unit @ membership(group, int(group.max(initial=0)) + 1)).tocsr())
    alone = np.asarray(of_group.sum(axis=0)).ravel()
    expected = np.outer(alone, alone) / max(unit.shape[0], 1)
    lift: Scores = np.log(((of_group.T @ of_group).toarray() + shrink) / (expected + shrink)).astype(np.float32)
    lift[0], lift[:, 0] = 0, 0
    return lift
