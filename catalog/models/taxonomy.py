"""What products belong to: a tree of categories, a brand, a store; and the tags they carry."""

from django.db import models
from django.urls import reverse
from treebeard.mp_tree import MP_Node

from catalog import validators


class Category(MP_Node):
    """A node of the category tree. `slug` is unique in the whole tree, `name` among its siblings."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=160, unique=True, allow_unicode=True)
    # "Food & drink > Fruit": kept beside the tree so that imports and documents need no walk to the root.
    full_name = models.CharField(max_length=500, unique=True, editable=False)
    translations = models.JSONField(
        default=dict, blank=True, validators=[validators.translations], help_text='{"de": {"name": "Obst"}, …}'
    )

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["path"]

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        return reverse("shop:category", args=[self.slug])


class Named(models.Model):
    """A name and the slug that addresses it, both unique."""

    name = models.CharField(max_length=160, unique=True)
    slug = models.SlugField(max_length=180, unique=True, allow_unicode=True)

    class Meta:
        abstract = True
        ordering = ["name"]

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
