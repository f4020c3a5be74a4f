"""Promotions and collections over REST."""

from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from catalog import selectors, services
from catalog.api.fields import References, StrictSerializer
from catalog.api.filters import PromotionFilters
from catalog.api.permissions import reading_and, seen_products, sees_all
from catalog.api.taxonomy import SlugView, free_slug
from catalog.models import Brand, Category, Collection, CollectionItem, Product, Promotion, Scope

SCOPE = ("products", "categories", "brands")


class PromotionSerializer(StrictSerializer, serializers.ModelSerializer):
    """A promotion. Products in scope go by SKU, categories (with all below them) and brands by slug."""

    slug = serializers.SlugField(max_length=180, allow_unicode=True, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    buy_quantity = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    free_quantity = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    products = References(queryset=Product.objects.only("pk", "sku"), key="sku", required=False)
    categories = References(queryset=Category.objects.only("pk", "slug"), required=False)
    brands = References(queryset=Brand.objects.only("pk", "slug"), required=False)
    state = serializers.CharField(read_only=True, help_text="running, upcoming, expired or off")

    class Meta:
        model = Promotion
        fields = [
            "slug", "name", "description", "kind", "value", "buy_quantity", "free_quantity", "starts_at", "ends_at",
            "active", "state", *SCOPE,
        ]  # fmt: skip

    def validate_slug(self, slug: str) -> str:
        return free_slug(Promotion, slug, self.instance)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        def given(name: str) -> Any:
            return attrs[name] if name in attrs else getattr(self.instance, name, None)

        kind, value = given("kind"), given("value")
        if kind == Promotion.Kind.PERCENT and value is not None and value > 100:
            raise ValidationError({"value": ["At most 100 percent."]})
        if kind == Promotion.Kind.BUY_X_GET_Y and not (given("buy_quantity") and given("free_quantity")):
            raise ValidationError({"buy_quantity": ["“Buy X, get Y free” needs both quantities, at least 1."]})
        if given("starts_at") and given("ends_at") and given("ends_at") <= given("starts_at"):
            raise ValidationError({"ends_at": ["It must end after it starts."]})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Promotion:
        return self.update(Promotion(), validated_data)

    @transaction.atomic
    def update(self, instance: Promotion, validated_data: dict[str, Any]) -> Promotion:
        scope = {name: validated_data.pop(name) for name in SCOPE if name in validated_data}
        for name, value in validated_data.items():
            setattr(instance, name, value)
        services.save_named(instance)
        for name, rows in scope.items():
            getattr(instance, name).set(rows)
        return Promotion.objects.get(pk=instance.pk)


class PromotionViewSet(SlugView):
    """Promotions. Without a key of the whole shop only the running ones show: what is planned is its own business."""

    scopes = reading_and(Scope.PROMOTIONS_WRITE, "POST", "PUT", "PATCH", "DELETE")
    serializer_class = PromotionSerializer
    filterset_class = PromotionFilters
    queryset = Promotion.objects.all()

    def get_queryset(self) -> QuerySet[Promotion]:
        promotions = Promotion.objects.all() if sees_all(self.request) else selectors.promotions_at(timezone.now())
        shown = Product.objects.filter(seen_products(self.request)).only("pk", "sku").order_by("sku")
        return promotions.order_by("-starts_at", "-id").prefetch_related(
            Prefetch("products", shown),
            Prefetch("categories", Category.objects.only("pk", "slug").order_by("path")),
            "brands",
        )


class CollectionSerializer(StrictSerializer, serializers.ModelSerializer):
    """Products put together by hand, by SKU and in their order."""

    slug = serializers.SlugField(max_length=180, allow_unicode=True, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    products = References(queryset=Product.objects.only("pk", "sku"), key="sku", required=False)

    class Meta:
        model = Collection
        fields = ["slug", "title", "description", "products"]

    def validate_slug(self, slug: str) -> str:
        return free_slug(Collection, slug, self.instance)

    def create(self, validated_data: dict[str, Any]) -> Collection:
        return self.update(Collection(), validated_data)

    @transaction.atomic
    def update(self, instance: Collection, validated_data: dict[str, Any]) -> Collection:
        products = validated_data.pop("products", None)
        for name, value in validated_data.items():
            setattr(instance, name, value)
        services.save_named(instance)
        if products is not None:
            services.set_collection(instance, products)
        return Collection.objects.get(pk=instance.pk)

    def to_representation(self, instance: Collection) -> dict[str, Any]:
        items = instance.items.all()
        if "items" not in getattr(instance, "_prefetched_objects_cache", {}):  # just written, by who sees all of them
            items = items.select_related("product").order_by("position", "id")
        return {
            "slug": instance.slug,
            "title": instance.title,
            "description": instance.description,
            "products": [item.product.sku for item in items],
        }


class CollectionViewSet(SlugView):
    """Collections of products."""

    scopes = reading_and(Scope.TAXONOMY_WRITE, "POST", "PUT", "PATCH", "DELETE")
    serializer_class = CollectionSerializer
    queryset = Collection.objects.all()

    def get_queryset(self) -> QuerySet[Collection]:
        items = CollectionItem.objects.filter(seen_products(self.request, "product")).select_related("product")
        return Collection.objects.order_by("title", "id").prefetch_related(
            Prefetch("items", items.order_by("position", "id"))
        )
