"""What an item that few took borrows from those described like it, which tell what goes with things of its kind."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from recommend.models.base import Interactions, Items, Scores
from recommend.models.content import described

CHUNK = 256  # items whose likeness to all others is held at once


def borrowed(data: Interactions, *, few: int, alike: int) -> sparse.csr_matrix:
    """Return (items, items): the row of an item that was taken less than `few` times has weights on those like it.

    They are the `alike` nearest in content and attributes of those taken more often, weighted by likeness. A row sums
    to 1 / (1 + times taken): the more is known of an item itself, the less it borrows, as in empirical Bayes. Items
    that nothing is known of borrow nothing.
    """
    items = data.items
    n = len(items)
    taken = np.bincount(np.concatenate([*data.histories, np.zeros(0, np.int64)]).astype(np.int64), minlength=n)
    borrowers, lenders = np.flatnonzero(taken < few), np.flatnonzero(taken >= few)
    alike = min(alike, len(lenders))
    if not alike or (items.content is None and items.attributes is None):
        return sparse.csr_matrix((n, n), dtype=np.float32)
    contents, bags = _described(items)
    rows, columns, values = [], [], []
    for start in range(0, len(borrowers), CHUNK):
        part = borrowers[start : start + CHUNK]
        likeness = (bags[part] @ bags[lenders].T).toarray() + contents[part] @ contents[lenders].T
        nearest = np.argpartition(-likeness, alike - 1, axis=1)[:, :alike]
        weight = np.maximum(np.take_along_axis(likeness, nearest, axis=1), 0)
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-9) * (1 + taken[part, None])
        rows.append(np.repeat(part, alike))
        columns.append(lenders[nearest].ravel())
        values.append(weight.ravel())
    if not rows:
        return sparse.csr_matrix((n, n), dtype=np.float32)
    places = (np.concatenate(rows), np.concatenate(columns))
    found = sparse.csr_matrix((np.concatenate(values).astype(np.float32), places), shape=(n, n))
    found.eliminate_zeros()
    return found


def _described(items: Items) -> tuple[Scores, sparse.csr_matrix]:
    """(items, dims) of content and of attributes, each of length 1; an inner product is a cosine."""
    contents: Scores = np.zeros((len(items), 1), np.float32)
    if items.content is not None:
        contents = described(replace(items, attributes=None)).toarray()
    return contents, described(replace(items, content=None))
