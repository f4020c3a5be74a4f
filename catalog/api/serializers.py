"""How products look over REST, and what may be written of them."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog import services
from catalog.api.fields import References, SlugReference, StrictSerializer
from catalog.api.permissions import api_key, check_store
from catalog.models import Brand, Category, Picture, Product, Store, Tag, Variant
from catalog.text import MAX_DESCRIPTION

MAX_STOCK = 2_000_000_000


def printable(text: str) -> None:
    if any(not character.isprintable() for character in text):
        raise serializers.ValidationError("Control characters are not allowed here.")


class VariantSerializer(StrictSerializer, serializers.ModelSerializer):
    # No look-up of its uniqueness here: a variant that is sent again is the one that is there.
    sku = serializers.CharField(max_length=64, validators=[printable])
    stock = serializers.IntegerField(min_value=0, max_value=MAX_STOCK, default=0)

    class Meta:
        model = Variant
        fields = ["sku", "title", "attributes", "price", "stock"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # A PATCH of the product asks for no field of its parts, but a variant is always given whole.
        if missing := [name for name in ("sku", "title") if name not in attrs]:
            raise serializers.ValidationError({name: ["This field is required."] for name in missing})
        return attrs


class PictureSerializer(serializers.ModelSerializer):
    url = serializers.SerializerMethodField()
    thumbnails = serializers.SerializerMethodField()

    class Meta:
        model = Picture
        fields = ["id", "url", "alt", "position", "width", "height", "sha256", "thumbnails"]

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, picture: Picture) -> str:
        return str(picture.file.url)

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "format": "uri"}})
    def get_thumbnails(self, picture: Picture) -> dict[str, str]:
        return {size: picture.thumbnail_url(size) for size in picture.thumbnails}


class Eans(serializers.ListField):
    def get_attribute(self, instance: Product) -> list[str]:
        return sorted(code.value for code in instance.codes.all() if code.kind == "ean")


class ProductSerializer(StrictSerializer, serializers.ModelSerializer):
    """A product. Category, brand, store and tags go by their slugs; variants, tags and EANs are replaced as a whole."""

    description = serializers.CharField(required=False, allow_blank=True, max_length=MAX_DESCRIPTION)
    category = SlugReference(queryset=Category.objects.all(), required=False, allow_null=True)
    brand = SlugReference(queryset=Brand.objects.all(), required=False, allow_null=True)
    store = SlugReference(queryset=Store.objects.all(), required=False, allow_null=True)
    category_name = serializers.CharField(source="category.full_name", read_only=True, default=None, allow_null=True)
    brand_name = serializers.CharField(source="brand.name", read_only=True, default=None, allow_null=True)
    store_name = serializers.CharField(source="store.name", read_only=True, default=None, allow_null=True)
    tags = References(queryset=Tag.objects.all(), limit=200, required=False)
    ean = Eans(child=serializers.RegexField(r"^[0-9]{8,14}\Z", max_length=14), max_length=100, required=False)
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", max_length=3, required=False)
    stock = serializers.IntegerField(min_value=0, max_value=MAX_STOCK, required=False)
    variants = VariantSerializer(many=True, required=False, max_length=500)  # type: ignore[call-arg]
    pictures = PictureSerializer(many=True, read_only=True)

    class Meta:
        model = Product
        fields = [
            "sku", "slug", "title", "description", "translations", "attributes", "mpn", "ean", "family",
            "category", "category_name", "brand", "brand_name", "store", "store_name", "tags",
            "price", "compare_at_price", "currency", "stock", "status", "released", "variants", "pictures",
            "published_at", "created_at", "updated_at", "version",
        ]  # fmt: skip
        read_only_fields = ["slug", "published_at", "created_at", "updated_at", "version"]
        extra_kwargs = {"sku": {"validators": [printable]}}

    def validate_sku(self, sku: str) -> str:
        taken = Product.objects.filter(sku=sku)
        if self.instance is not None and sku != self.instance.sku:
            raise serializers.ValidationError("A SKU stays what it is; make a new product.")
        if self.instance is None and taken.exists():
            raise serializers.ValidationError("There is a product with this SKU already.")
        return sku

    def validate_variants(self, variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
        skus = [variant["sku"] for variant in variants]
        if len(set(skus)) != len(skus):
            raise serializers.ValidationError("A SKU is given twice.")
        others = Variant.objects.filter(sku__in=skus)
        if self.instance is not None:
            others = others.exclude(product=self.instance)
        if taken := list(others.values_list("sku", flat=True)[:10]):
            raise serializers.ValidationError(f"Variants of other products: {', '.join(taken)}.")
        return variants

    def create(self, validated_data: dict[str, Any]) -> Product:
        return self._save(Product(), validated_data)

    def update(self, instance: Product, validated_data: dict[str, Any]) -> Product:
        return self._save(instance, validated_data)

    def _save(self, product: Product, values: dict[str, Any]) -> Product:
        request = self.context["request"]
        key = api_key(request)
        if key and key.store_id and product._state.adding:
            values.setdefault("store", key.store)
        if "store" in values:
            check_store(request, values["store"] and values["store"].pk)
        tags, variants, eans = (values.pop(name, None) for name in ("tags", "variants", "ean"))
        for name, value in values.items():
            setattr(product, name, value)
        with transaction.atomic():
            services.save_product(
                product,
                codes=None if eans is None else {"ean": eans},
                tags=tags,
                reason=f"API key {key.name}" if key else "API",
            )
            if variants is not None:
                _replace_variants(product, variants)
        return product


def _replace_variants(product: Product, wanted: list[dict[str, Any]]) -> None:
    present = {variant.sku: variant for variant in Variant.objects.filter(product=product)}
    for sku in present.keys() - {values["sku"] for values in wanted}:
        services.delete_variant(present[sku])
    for position, values in enumerate(wanted):
        variant = present.get(values["sku"]) or Variant(product=product)
        variant.product = product
        for name, value in {"attributes": {}, "price": None, **values, "position": position}.items():
            setattr(variant, name, value)
        services.save_variant(variant)
