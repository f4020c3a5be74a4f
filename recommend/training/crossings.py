"""What leads to other categories, learned beside the model of a version, for the complements on product and cart."""

import logging
from dataclasses import replace

from recommend.models.base import Items, Progress
from recommend.models.crossing import Crossing
from recommend.training.dataset import Dataset

log = logging.getLogger(__name__)

BRAND_AND_STORE = 2  # columns of the attributes; those behind them are the categories, which the model has anyway


def learn(dataset: Dataset, seed: int, progress: Progress) -> Crossing | None:
    """Return the trained model; None where there is only one category, or so little that nothing can be fitted.

    A version is published without it as well: complements are then in the order that counts give.
    """
    categories = dataset.items.categories
    if categories is None or len(set(categories[categories >= 0].tolist())) < 2:
        return None
    model = Crossing()
    try:
        model.fit(replace(dataset.interactions(), items=_described(dataset.items)), seed=seed, progress=progress)
    except (ValueError, ArithmeticError, LookupError):
        log.exception("Nothing was learned of what leads to other categories")
        return None
    return model


def _described(items: Items) -> Items:
    attributes = items.attributes
    return replace(items, content=None, attributes=None if attributes is None else attributes[:, :BRAND_AND_STORE])
