"""Names of categories, brands, stores and tags to rows: looked up once for a batch, made where they are new."""

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Q

from catalog import services
from catalog.models import Brand, Category, Store, Tag
from catalog.text import slug_for, unique_slugs

SEPARATOR = " > "
Label = TypeVar("Label", Brand, Store, Tag)


class Taxonomy:
    """What one import knows of the taxonomy. Names are the same without regard to case: "HP" and "Hp" are one brand."""

    def __init__(self) -> None:
        self.brands: dict[str, Brand] = {}
        self.stores: dict[str, Store] = {}
        self.tags: dict[str, Tag] = {}
        self._categories: dict[str, Category] = {}

    def forget(self) -> None:
        """Drop what is known, after a rollback took back rows that were made."""
        for known in (self.brands, self.stores, self.tags, self._categories):
            known.clear()

    def brand(self, name: str) -> Brand | None:
        return self.brands[name.casefold()] if name else None

    def store(self, name: str) -> Store | None:
        return self.stores[name.casefold()] if name else None

    def tag(self, name: str) -> Tag:
        return self.tags[name.casefold()]

    def category(self, path: tuple[str, ...]) -> Category | None:
        return self._categories[SEPARATOR.join(path).casefold()] if path else None

    def ensure(
        self,
        *,
        brands: Iterable[str] = (),
        stores: Iterable[str] = (),
        tags: Iterable[str] = (),
        categories: Iterable[tuple[str, ...]] = (),
    ) -> None:
        """Find or make a row for every name. Call it inside the transaction that uses them."""
        _ensure(Brand, brands, self.brands)
        _ensure(Store, stores, self.stores)
        _ensure(Tag, tags, self.tags)
        self._ensure_categories({path for path in categories if path})

    def _ensure_categories(self, paths: set[tuple[str, ...]]) -> None:
        wanted = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
        missing = [path for path in wanted if SEPARATOR.join(path).casefold() not in self._categories]
        if not missing:
            return
        for category in Category.objects.filter(full_name__in=[SEPARATOR.join(path) for path in missing]):
            self._categories[category.full_name.casefold()] = category
        if not all(SEPARATOR.join(path).casefold() in self._categories for path in missing):
            # Something is new, or written in another case: trees are small, so all of it is read.
            for category in Category.objects.all():
                self._categories.setdefault(category.full_name.casefold(), category)
        for path in sorted(missing, key=lambda path: (len(path), path)):
            key = SEPARATOR.join(path).casefold()
            if key not in self._categories:
                self._categories[key] = services.add_category(path[-1], self.category(path[:-1]))


def _ensure(model: type[Label], names: Iterable[str], known: dict[str, Label]) -> None:
    missing = {name.casefold(): name for name in names if name and name.casefold() not in known}
    if not missing:
        return
    wanted = set(missing.values())
    slugs = [slug_for(name, max_length=180) for name in wanted]
    rows = model._default_manager.filter(Q(name__in=wanted) | Q(slug__in=slugs))
    # Of two whose names differ in case alone, the one that is named comes first.
    for row in sorted(rows, key=lambda row: row.name not in wanted):
        known.setdefault(row.name.casefold(), row)
    new = [name for key, name in missing.items() if key not in known]
    if new:
        chosen = unique_slugs(model, [(name, "") for name in new])
        made = [model(name=name, slug=slug) for name, slug in zip(new, chosen, strict=True)]
        for row in model._default_manager.bulk_create(made):
            known[row.name.casefold()] = row
