"""Rows that belong to a shop: what every model of a shop's data is made of.

`objects` gives the rows of the shop that is worked for, and there is no way around it but `every_shop`, by its name.
The shop is asked for when a query is sent, and not when it is composed: a queryset that a class holds (of a form, a
filter, a serializer) is made at import, when there is no shop yet.

What Django writes by a key alone (`instance.save`) is checked here as well, and what goes past all of Python by the
triggers of `catalog.models.borders`.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models.lookups import Exact
from django.db.models.sql.where import AND
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from catalog.tenancy import current_shop_id


class CrossShopError(ValueError):
    """A row of another shop was to be written, or to be pointed to."""


class CurrentShop(models.Expression):
    """The shop that is worked for when the query is sent, as a parameter of it."""

    output_field = models.BigIntegerField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (current_shop_id(),)


def of_current_shop(queryset: Any) -> Any:
    """Narrow a fresh queryset to the shop that is worked for, in place.

    What `filter(shop_id=CurrentShop())` comes to; resolving the name each time would be most of what composing a query
    costs.
    """
    query = queryset.query
    column = query.model._meta.get_field("shop").get_col(query.get_initial_alias())
    query.where.add(Exact(column, CurrentShop()), AND)
    return queryset


class ShopQuerySet(models.QuerySet[Any]):
    """Writes no row into another shop."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        rows = list(objs)
        for row in rows:
            row.check_shop()
        return super().bulk_create(rows, *args, **options)

    def update(self, **values: Any) -> int:
        if values.keys() & {"shop", "shop_id"}:
            raise CrossShopError("A row stays in its shop.")
        return super().update(**values)


class ShopManager(models.Manager.from_queryset(ShopQuerySet)):  # type: ignore[misc]
    """The rows of the shop that is worked for."""

    def get_queryset(self) -> Any:
        return of_current_shop(super().get_queryset())


class ShopScoped(models.Model):
    """Managers and checks of a model that has a field `shop`. Models inherit `ShopRow`, which brings the field too."""

    objects = ShopManager()
    # For work on the whole installation: backups, figures of operations.
    every_shop = models.Manager()  # noqa: DJ012  (a manager, which the rule takes for a field)

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        self.check_shop()
        super().save(*args, **options)

    def check_shop(self) -> None:
        """Raises CrossShopError for a row of another shop, or one that points to a loaded row of another shop."""
        shop_id: int | None = self.__dict__.get("shop_id")
        if shop_id is None:  # left out when it was read: by `objects`, and an UPDATE names the shop
            return
        if shop_id != current_shop_id():
            raise CrossShopError(f"A {self._meta.verbose_name} of shop {shop_id} in shop {current_shop_id()}.")
        loaded = self._state.fields_cache
        for name, row in loaded.items():
            if isinstance(row, ShopScoped) and row.__dict__.get("shop_id", shop_id) != shop_id:
                raise CrossShopError(f"The {name} of this {self._meta.verbose_name} is of another shop.")

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        self.check_shop()
        return super().delete(*args, **options)

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        if from_queryset is None:
            from_queryset = of_current_shop(type(self)._base_manager.db_manager(using).get_queryset())
        super().refresh_from_db(using, fields, from_queryset)

    def _do_update(self, base_qs: Any, *args: Any, **options: Any) -> Any:
        # Django updates by the key alone; so a number that is another shop's would do.
        return super()._do_update(of_current_shop(base_qs), *args, **options)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Check constraints with the shop, though forms leave it out, and tell of a taken value at its own field."""
        try:
            super().validate_constraints(exclude=set(exclude or ()) - {"shop"})
        except ValidationError as error:
            raise ValidationError(_at_fields(error.error_dict)) from error

    def unique_error_message(self, model_class: Any, unique_check: Sequence[str]) -> ValidationError:
        """Say “with this SKU”, and not “with this shop and SKU”."""
        own = tuple(name for name in unique_check if name != "shop")
        return super().unique_error_message(model_class, own)


def _at_fields(errors: dict[str, list[ValidationError]]) -> dict[str, list[ValidationError]]:
    found: dict[str, list[ValidationError]] = {}
    for name, several in errors.items():
        for error in several:
            own: Sequence[str] = error.params.get("unique_check", ()) if isinstance(error.params, dict) else ()
            at = own[0] if name == NON_FIELD_ERRORS and len(own) == 1 else name
            found.setdefault(at, []).append(error)
    return found


class ShopRow(ShopScoped):
    """A row of a shop. Its unique constraints name the shop, or a foreign key to another row of the shop.

    They name it last: no index begins with the shop, because SQLite without statistics would take such an index for a
    good one in every query, and read all of a shop's rows. PostgreSQL does not mind the order of columns that are
    compared for equality.
    """

    shop = models.ForeignKey(
        "catalog.Shop",
        on_delete=models.PROTECT,
        default=current_shop_id,
        editable=False,
        db_index=False,
        related_name="+",
    )

    class Meta:
        abstract = True


class ShopHistoryManager(HistoryManager):
    """Former versions of the rows of the shop that is worked for."""

    def get_super_queryset(self) -> Any:
        return of_current_shop(super().get_super_queryset())


class ShopHistory(HistoricalRecords):
    """The history of a `ShopRow`: its rows are the same shop's."""

    def __init__(self, **options: Any) -> None:
        options = {"bases": (ShopScoped,), "history_manager": ShopHistoryManager, "no_db_index": ["shop"]} | options
        super().__init__(**options)
