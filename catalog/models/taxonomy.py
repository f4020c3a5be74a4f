"""What products belong to: a tree of categories, a brand, a store; and the tags they carry."""

from typing import Any

from django.db import models
from django.urls import reverse
from treebeard.mp_tree import MP_Node, MP_NodeManager, MP_NodeQuerySet

from catalog import validators
from catalog.models.rows import ShopQuerySet, ShopRow, of_current_shop


class CategoryQuerySet(ShopQuerySet, MP_NodeQuerySet):
    """Deletes nodes with all below them, as treebeard has it."""


class CategoryManager(MP_NodeManager.from_queryset(CategoryQuerySet)):  # type: ignore[misc]
    """The tree of the shop that is worked for. Whatever treebeard reads or rewrites, it does through this manager."""

    def get_queryset(self) -> Any:
        return of_current_shop(CategoryQuerySet(self.model, using=self._db)).order_by("path")


class Category(ShopRow, MP_Node):
    """A node of the shop's category tree. `slug` is unique in the whole tree, `name` among its siblings."""

    path = models.CharField(max_length=255)  # treebeard's, which would have it once in the installation
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=160, allow_unicode=True, db_index=False)
    # "Food & drink > Fruit": kept beside the tree so that imports and documents need no walk to the root.
    full_name = models.CharField(max_length=500, editable=False)
    translations = models.JSONField(
        default=dict, blank=True, validators=[validators.translations], help_text='{"de": {"name": "Obst"}, …}'
    )

    objects = CategoryManager()  # type: ignore[misc]

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["path"]
        constraints = [
            # "All below" is a prefix, which PostgreSQL finds by an index of this class alone, whatever the collation.
            models.UniqueConstraint(
                fields=["path", "shop"], name="category_path_once", opclasses=["varchar_pattern_ops", "int8_ops"]
            ),
            models.UniqueConstraint(fields=["slug", "shop"], name="category_slug_once"),
            models.UniqueConstraint(fields=["full_name", "shop"], name="category_full_name_once"),
        ]

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        return reverse("shop:category", args=[self.slug])


class Named(ShopRow):
    """A name and the slug that addresses it, both unique in the shop."""

    name = models.CharField(max_length=160)
    slug = models.SlugField(max_length=180, allow_unicode=True, db_index=False)

    class Meta:
        abstract = True
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name", "shop"], name="%(class)s_name_once"),
            models.UniqueConstraint(fields=["slug", "shop"], name="%(class)s_slug_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Brand(Named):
    description = models.TextField(blank=True)

    def get_absolute_url(self) -> str:
        return reverse("shop:brand", args=[self.slug])


class Store(Named):
    """A merchant that sells in the shop."""

    description = models.TextField(blank=True)

    def get_absolute_url(self) -> str:
        return reverse("shop:store", args=[self.slug])


class Tag(Named):
    pass
