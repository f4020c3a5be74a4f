"""Promotions (what costs less, for whom and when) and hand-made collections of products."""

from typing import NamedTuple

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from catalog.models.product import Product
from catalog.models.rows import ShopRow
from catalog.models.taxonomy import Brand, Category


class Scope(NamedTuple):
    products: frozenset[int]
    category_paths: tuple[str, ...]
    brands: frozenset[int]


class Promotion(ShopRow):
    """A discount on the products in scope while its window is open. An empty scope means every product."""

    class Kind(models.TextChoices):
        PERCENT = "percent", "Percent off"
        AMOUNT = "amount", "Amount off"
        BUY_X_GET_Y = "buy_x_get_y", "Buy X, get Y free"
        FREE_SHIPPING = "free_shipping", "Free shipping"

    name = models.CharField(max_length=160)
    slug = models.SlugField(max_length=180, allow_unicode=True, db_index=False)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    value = models.DecimalField(
        max_digits=12, decimal_places=2, default=0, validators=[MinValueValidator(0)], help_text="Percent, or amount"
    )
    buy_quantity = models.PositiveSmallIntegerField(default=0)
    free_quantity = models.PositiveSmallIntegerField(default=0)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)
    products = models.ManyToManyField(Product, blank=True, related_name="promotions")
    categories = models.ManyToManyField(Category, blank=True, related_name="promotions")
    brands = models.ManyToManyField(Brand, blank=True, related_name="promotions")

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "shop"], name="promotion_slug_once"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="promotion_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(value__gte=0), name="promotion_value_not_negative"),
            models.CheckConstraint(
                condition=~Q(kind="percent") | Q(value__lte=100), name="promotion_percent_at_most_100"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("shop:promotion", args=[self.slug])

    @property
    def state(self) -> str:
        """One of "off", "upcoming", "running", "expired"."""
        now = timezone.now()
        if not self.active:
            return "off"
        if self.starts_at > now:
            return "upcoming"
        return "running" if self.ends_at is None or self.ends_at > now else "expired"

    @cached_property
    def scope(self) -> Scope:
        """What it covers: the union of products, categories with all below them, and brands. Kept for this instance."""
        return Scope(
            products=frozenset(product.pk for product in self.products.all()),
            category_paths=tuple(category.path for category in self.categories.all()),
            brands=frozenset(brand.pk for brand in self.brands.all()),
        )

    def covers(self, product: Product) -> bool:
        """Whether the product is in scope. Free of queries where scope and `product.category` are loaded."""
        return self.covers_row(product.pk, product.brand_id, product.category.path if product.category else "")

    def covers_row(self, product_id: int, brand_id: int | None, category_path: str) -> bool:
        """The same by a product's columns; without a brand or category they are None or 0, and ""."""
        scope = self.scope
        if not any(scope) or product_id in scope.products or brand_id in scope.brands:
            return True
        return bool(category_path) and category_path.startswith(scope.category_paths)


class Collection(ShopRow):
    """Products that a merchandiser put together ("Picnic in the park")."""

    title = models.CharField(max_length=160)
    slug = models.SlugField(max_length=180, allow_unicode=True, db_index=False)
    description = models.TextField(blank=True)
    products = models.ManyToManyField(Product, through="CollectionItem", related_name="collections")

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["slug", "shop"], name="collection_slug_once")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("shop:collection", args=[self.slug])


class CollectionItem(ShopRow):
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["collection", "product"], name="collection_item_once")]

    def __str__(self) -> str:
        return f"{self.collection}: {self.product}"
