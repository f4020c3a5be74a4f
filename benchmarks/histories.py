"""Made-up histories as real ones are: most of them short, a few items in many, and what comes next mostly of a kind."""

import numpy as np

from recommend.models.base import Ids

LONGEST = 50
OF_A_KIND = 40  # items
STAYS = 0.7  # of the steps go to an item of the same kind


def histories(items: int, users: int, seed: int = 0) -> list[Ids]:
    """Return `users` histories of 3 to LONGEST item rows, 8 in the mean."""
    random = np.random.default_rng(seed)
    popular = 1.0 / (random.permutation(items) + 10.0)
    popular /= popular.sum()
    lengths = np.minimum(2 + random.geometric(1 / 6, users), LONGEST)
    drawn = random.choice(items, lengths.sum(), p=popular)
    stays, steps = random.random(lengths.sum()) < STAYS, random.integers(1, 4, lengths.sum())
    made = []
    for end, length in zip(np.cumsum(lengths), lengths, strict=True):
        rows = drawn[end - length : end].copy()
        for at in range(1, length):
            if stays[end - length + at]:
                kind = rows[at - 1] // OF_A_KIND * OF_A_KIND
                within = (rows[at - 1] - kind + steps[end - length + at]) % OF_A_KIND
                rows[at] = min(kind + within, items - 1)
        made.append(rows.astype(np.int64))
    return made
