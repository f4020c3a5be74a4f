"""What else holds something of each product and follows the index: the modules named in settings.INDEX_COMPANIONS.

A companion has three functions:

- `follow(upserted: Sequence[Description], deleted: Collection[int])` is called in the thread that owns the database,
  after the points of a batch were written and before its outbox entries are removed. It may be called again with the
  same products, and with some that have changed since. If it raises, the entries stay and come again.
- `compare() -> Standing or None` says how it stands to the database; None where it holds nothing.
- `repair()` brings it level.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings

from search.documents import Description
from search.index.errors import CompanionError


@dataclass(frozen=True)
class Standing:
    """How a companion stands to the database, in products."""

    name: str
    products: int
    indexed: int
    missing: int
    stale: int
    orphaned: int

    @property
    def clean(self) -> bool:
        return not (self.missing or self.stale or self.orphaned)


def tell(upserted: Sequence[Description], deleted: Collection[int]) -> None:
    """Call every companion. Raises CompanionError, which trying again may mend."""
    if upserted or deleted:
        _each("follow", upserted, deleted)


def compare() -> list[Standing]:
    """How those stand that hold something. Raises as `tell`."""
    return [found for found in _each("compare") if found is not None]


def repair() -> None:
    _each("repair")


def _each(function: str, *arguments: Any) -> list[Any]:
    results = []
    for path in settings.INDEX_COMPANIONS:
        try:
            results.append(getattr(import_module(path), function)(*arguments))
        except Exception as error:
            raise CompanionError(path, error) from error
    return results
