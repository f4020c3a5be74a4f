"""A product, its variants, its pictures, and the codes that people type to find exactly it."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from catalog import validators
from catalog.models.rows import ShopHistory, ShopRow
from catalog.models.taxonomy import Brand, Category, Store, Tag


class Product(ShopRow):
    """One thing that can be bought. Write it through `catalog.services`, which keeps the index in step."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"  # soft removal: history and orders keep their product

    sku = models.CharField("SKU", max_length=64)
    slug = models.SlugField(max_length=220, allow_unicode=True, blank=True, db_index=False)
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    translations = models.JSONField(
        default=dict,
        blank=True,
        validators=[validators.translations],
        help_text='{"de": {"title": "…", "description": "…"}, …}',
    )
    attributes = models.JSONField(
        default=dict,
        blank=True,
        validators=[validators.attributes],
        help_text='{"colour": "red", "weight_g": 120, …}',
    )
    mpn = models.CharField("model number", max_length=120, blank=True)
    family = models.CharField(
        max_length=120, blank=True, help_text="Products that differ only in colour or size share one."
    )

    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="products")
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, null=True, blank=True, related_name="products")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, null=True, blank=True, related_name="products")
    tags = models.ManyToManyField(Tag, blank=True, related_name="products")

    price = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    compare_at_price = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(max_length=3, default=settings.SHOP_CURRENCY)
    stock = models.PositiveIntegerField(default=0)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    released = models.DateField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    # Counts every write that can change the product's point; the index stores the version it was made from.
    version = models.PositiveIntegerField(default=1, editable=False)
    # SHA-256 over the imported row, so that an import leaves unchanged rows untouched.
    content_hash = models.CharField(max_length=64, blank=True, editable=False)

    history = ShopHistory(excluded_fields=["version", "content_hash", "updated_at"])

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["status", "shop", "-published_at"]),
            models.Index(fields=["category", "status"]),
            models.Index(fields=["family", "shop"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["sku", "shop"], name="product_sku_once"),
            models.UniqueConstraint(fields=["slug", "shop"], name="product_slug_once"),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0), name="product_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(compare_at_price__isnull=True) | Q(compare_at_price__gte=0),
                name="product_compare_at_price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "published", "archived"]), name="product_status_known"
            ),
            models.CheckConstraint(condition=~Q(sku=""), name="product_sku_not_empty"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("shop:product", args=[self.slug])

    @property
    def on_sale(self) -> bool:
        return self.price is not None and self.compare_at_price is not None and self.compare_at_price > self.price


class ProductCode(ShopRow):
    """A code that names exactly one product or a few: sku, model number, EAN; of the product and of its variants."""

    class Kind(models.TextChoices):
        SKU = "sku", "SKU"
        MPN = "mpn", "Model number"
        EAN = "ean", "EAN"

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="codes")
    kind = models.CharField(max_length=3, choices=Kind.choices)
    value = models.CharField(max_length=120)
    # Lower case without spaces and punctuation (`catalog.text.normalise_code`): "DV7-1211 EA" finds "dv7-1211ea".
    normalised = models.CharField(max_length=120)

    class Meta:
        # Of a class that finds beginnings as well, in PostgreSQL.
        indexes = [
            models.Index(
                fields=["normalised", "shop"],
                name="product_code_normalised",
                opclasses=["varchar_pattern_ops", "int8_ops"],
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["product", "kind", "value"], name="product_code_once"),
            models.CheckConstraint(condition=Q(kind__in=["sku", "mpn", "ean"]), name="product_code_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class Variant(ShopRow):
    """A size, pack or finish of a product that is bought under its own sku. A null price means the product's."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")
    sku = models.CharField("SKU", max_length=64)
    title = models.CharField(max_length=200)
    attributes = models.JSONField(default=dict, blank=True, validators=[validators.attributes])
    price = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    stock = models.PositiveIntegerField(default=0)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["sku", "shop"], name="variant_sku_once"),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0), name="variant_price_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Picture(ShopRow):
    """One verified picture of a product. The original is kept; thumbnails are made by a task."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="pictures")
    file = models.ImageField(upload_to="pictures/", max_length=200, width_field="width", height_field="height")
    alt = models.CharField("alternative text", max_length=300, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    width = models.PositiveIntegerField(default=0, editable=False)
    height = models.PositiveIntegerField(default=0, editable=False)
    sha256 = models.CharField(max_length=64, editable=False, help_text="Of the stored file")
    phash = models.CharField(max_length=16, editable=False, help_text="Perceptual hash, 64 bits as hex")
    source = models.CharField(max_length=1000, blank=True, editable=False, help_text="File or address it came from")
    thumbnails = models.JSONField(default=dict, editable=False, help_text='{"small": "thumbnails/…webp", …}')
    thumbnail_error = models.CharField(max_length=500, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["phash", "shop"])]
        constraints = [models.UniqueConstraint(fields=["product", "sha256"], name="picture_once_per_product")]

    def __str__(self) -> str:
        return self.alt or self.file.name or f"picture {self.pk}"

    def thumbnail_url(self, size: str = "small") -> str:
        """Return the address of a thumbnail, and of the original while the thumbnails are still to be made."""
        return str(self.file.storage.url(self.thumbnails.get(size) or self.file.name))
