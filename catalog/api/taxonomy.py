"""Categories, brands and stores over REST, by their slugs."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import services
from catalog.api.base import CatalogueView, StrictQuery
from catalog.api.fields import SlugReference, StrictSerializer
from catalog.api.filters import CategoryFilters, NameFilters
from catalog.api.permissions import reading_and
from catalog.models import Brand, Category, Scope, Store

WRITTEN = reading_and(Scope.TAXONOMY_WRITE, "POST", "PUT", "PATCH", "DELETE")


class SlugView(StrictQuery, CatalogueView, viewsets.ModelViewSet):
    """Looked up by slug; slugs hold letters of any script."""

    lookup_field = "slug"
    lookup_value_regex = "[^/]+"
    filter_backends = [DjangoFilterBackend]

    def get_object(self) -> Any:
        if "\x00" in self.kwargs["slug"]:
            raise Http404
        return super().get_object()

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().filter_queryset(queryset)
        changes = self.action in ("update", "partial_update")
        return found.select_for_update(of=("self",), no_key=True) if changes else found

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        _ = request.data  # before the lock: a body may come slowly
        # All columns are written. So nobody writes between: a field that was not sent stays as somebody else left it.
        with transaction.atomic():
            self.lock()
            return super().update(request, *args, **kwargs)

    def lock(self) -> None:
        """Take the locks that come before the row's own."""


class CategorySerializer(StrictSerializer, serializers.ModelSerializer):
    parent = SlugReference(queryset=Category.objects.all(), required=False, allow_null=True)  # type: ignore[assignment]
    slug = serializers.SlugField(max_length=160, allow_unicode=True, required=False)

    class Meta:
        model = Category
        fields = ["slug", "name", "full_name", "parent", "translations", "depth"]
        read_only_fields = ["full_name", "depth"]

    def validate_slug(self, slug: str) -> str:
        return free_slug(Category, slug, self.instance)

    def to_representation(self, instance: Category) -> dict[str, Any]:
        parents = self.context.get("parents")
        path = instance.path[: -Category.steplen]
        if parents is None:
            parents = dict(Category.objects.filter(path=path).values_list("path", "slug"))
        return {
            "slug": instance.slug,
            "name": instance.name,
            "full_name": instance.full_name,
            "parent": parents.get(path),
            "translations": instance.translations,
            "depth": instance.depth,
        }

    def create(self, validated_data: dict[str, Any]) -> Category:
        return services.add_category(
            validated_data["name"],
            validated_data.get("parent"),
            slug=validated_data.get("slug", ""),
            translations=validated_data.get("translations"),
        )

    def update(self, instance: Category, validated_data: dict[str, Any]) -> Category:
        parent = validated_data.pop("parent", "unchanged")
        for name, value in validated_data.items():
            setattr(instance, name, value)
        return services.save_category(instance, parent=parent)


def free_slug(model: Any, slug: str, instance: Any) -> str:
    """Return the slug. Raises ValidationError where another row has it."""
    if model.objects.filter(slug=slug).exclude(pk=instance and instance.pk).exists():
        raise serializers.ValidationError("This slug is taken.")
    return slug


class CategoryViewSet(SlugView):
    """The category tree, in its order. A category that is renamed or moved takes everything below it along."""

    scopes = WRITTEN
    queryset = Category.objects.order_by("path")
    serializer_class = CategorySerializer
    filterset_class = CategoryFilters

    def get_serializer(self, *args: Any, **options: Any) -> Any:
        if options.get("many"):
            paths = {category.path[: -Category.steplen] for category in args[0]}
            parents = Category.objects.filter(path__in=paths).values_list("path", "slug")
            options["context"] = {**self.get_serializer_context(), "parents": dict(parents)}
        return super().get_serializer(*args, **options)

    def lock(self) -> None:
        services.lock_tree()

    def perform_destroy(self, instance: Category) -> None:
        services.delete_categories(Category.objects.filter(pk=instance.pk))


class LabelSerializer(StrictSerializer, serializers.ModelSerializer):
    slug = serializers.SlugField(max_length=180, allow_unicode=True, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)

    def validate_slug(self, slug: str) -> str:
        return free_slug(self._model(), slug, self.instance)

    def validate_name(self, name: str) -> str:
        model = self._model()
        if model.objects.filter(name=name).exclude(pk=self.instance and self.instance.pk).exists():
            raise serializers.ValidationError(f"There is a {model._meta.verbose_name} with this name already.")
        return name

    def _model(self) -> Any:
        return self.Meta.model

    def create(self, validated_data: dict[str, Any]) -> Any:
        return self.update(self._model()(), validated_data)

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        for name, value in validated_data.items():
            setattr(instance, name, value)
        services.save_label(instance)
        return instance


class BrandSerializer(LabelSerializer):
    class Meta:
        model = Brand
        fields = ["slug", "name", "description"]


class StoreSerializer(LabelSerializer):
    class Meta:
        model = Store
        fields = ["slug", "name", "description"]


class LabelView(SlugView):
    filterset_class = NameFilters

    def perform_destroy(self, instance: Any) -> None:
        services.delete_labels(type(instance).objects.filter(pk=instance.pk))


class BrandViewSet(LabelView):
    """Brands. Renaming one makes its products be indexed again; its slug stays unless a new one is given."""

    scopes = WRITTEN
    queryset: QuerySet[Brand] = Brand.objects.order_by("name")
    serializer_class = BrandSerializer


class StoreViewSet(LabelView):
    """The merchants that sell in the shop."""

    scopes = WRITTEN
    queryset: QuerySet[Store] = Store.objects.order_by("name")
    serializer_class = StoreSerializer
