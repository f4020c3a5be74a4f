"""Products over REST, one by one, in thousands, and their pictures.

The SKU in an address may hold anything, slashes and dots included. Two addresses are taken: `products/bulk`, and what
ends in `/pictures`. A product whose SKU collides with these is found by `products/?sku=…`.
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from catalog.api.base import CatalogueView, StrictQuery
from catalog.api.fields import StrictSerializer
from catalog.api.filters import ProductFilters
from catalog.api.parsing import StrictJSONParser
from catalog.api.permissions import reading_and, seen_products
from catalog.api.serializers import PictureSerializer, ProductSerializer
from catalog.fetch import Fetcher, FetchError
from catalog.models import Picture, Product, ProductCode, Scope, Variant
from catalog.pictures import add_picture
from catalog.verification import PictureError

SKU = OpenApiParameter("sku", OpenApiTypes.STR, OpenApiParameter.PATH, description="May hold slashes and dots.")


class ProductsView(CatalogueView):
    """Published products for everybody; for a key all of them, or all of its store."""

    def get_queryset(self) -> QuerySet[Product]:
        products = Product.objects.all()
        # To write another store's product is refused with a sentence, so there it has to be found.
        if self.request.method in SAFE_METHODS:
            products = products.filter(seen_products(self.request))
        return selectors.with_card_parts(products).prefetch_related(
            Prefetch("variants", Variant.objects.order_by("position", "id")),
            Prefetch("codes", ProductCode.objects.order_by("value")),
            "tags",
        )

    def get_object(self, *, lock: bool = False) -> Product:
        products, sku = self.get_queryset(), self.kwargs["sku"]
        if lock:
            products = products.select_for_update(of=("self",), no_key=True)
        product = selectors.with_skus(products, sku).first()
        if product is None and sku.endswith("/"):
            product = selectors.with_skus(products, sku.removesuffix("/")).first()
        if product is None:
            raise Http404("There is no product with this SKU.")
        self.check_object_permissions(self.request, product)
        return product


@extend_schema_view(get=extend_schema(operation_id="products_list"), post=extend_schema(operation_id="products_create"))
class ProductList(StrictQuery, ProductsView, generics.ListCreateAPIView):
    """Lists the published products; with a key, all of them, and takes new ones."""

    scopes = reading_and(Scope.CATALOG_WRITE, "POST")
    serializer_class = ProductSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_class = ProductFilters

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        product = serializer.save()
        shown = self.get_serializer(self.get_queryset().get(pk=product.pk))
        return Response(shown.data, status=status.HTTP_201_CREATED)


@extend_schema_view(
    get=extend_schema(parameters=[SKU]),
    put=extend_schema(parameters=[SKU]),
    patch=extend_schema(parameters=[SKU]),
    delete=extend_schema(parameters=[SKU]),
)
class ProductDetail(ProductsView, generics.RetrieveUpdateDestroyAPIView):
    """One product, by its SKU. Deleting removes its rows, pictures and history of codes for good: rather archive it."""

    scopes = reading_and(Scope.CATALOG_WRITE, "PUT", "PATCH", "DELETE")
    serializer_class = ProductSerializer

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        partial = kwargs.pop("partial", False)
        data = request.data  # before the lock: a body may come slowly
        # All columns are written. So nobody writes between: a field that was not sent stays as somebody else left it.
        with transaction.atomic():
            serializer = self.get_serializer(self.get_object(lock=True), data=data, partial=partial)
            serializer.is_valid(raise_exception=True)
            product = serializer.save()
        return Response(self.get_serializer(self.get_queryset().get(pk=product.pk)).data)

    def perform_destroy(self, instance: Product) -> None:
        services.delete_products([instance.pk])


class PictureUpload(StrictSerializer):
    """A file, or the address of one."""

    file = serializers.FileField(required=False, max_length=300)
    url = serializers.URLField(required=False, max_length=1000)
    alt = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")
    position = serializers.IntegerField(required=False, min_value=0, max_value=10_000, default=None, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("url" in attrs):
            raise ValidationError({"file": ["Send either a file or a url."]})
        return attrs


class ProductPictures(ProductsView):
    """The pictures of a product in their order."""

    scopes = reading_and(Scope.CATALOG_WRITE, "POST")
    parser_classes = [MultiPartParser, StrictJSONParser]

    @extend_schema(operation_id="products_pictures_list", parameters=[SKU], responses=PictureSerializer(many=True))
    def get(self, request: Request, sku: str) -> Response:
        return Response(PictureSerializer(self.get_object().pictures.all(), many=True).data)

    @extend_schema(
        operation_id="products_pictures_create",
        parameters=[SKU],
        request={"multipart/form-data": PictureUpload, "application/json": PictureUpload},
        responses={201: PictureSerializer},
    )
    def post(self, request: Request, sku: str) -> Response:
        """Adds a picture, from a file or from an address. One that the product has already is not added again."""
        product = self.get_object()
        upload = PictureUpload(data=request.data)
        upload.is_valid(raise_exception=True)
        values = upload.validated_data
        source = values["url"] if "url" in values else values["file"].name
        field = "url" if "url" in values else "file"
        try:
            data = Fetcher().fetch(source) if field == "url" else values["file"].read(limit())
            picture = add_picture(product, data, alt=values["alt"], position=values["position"], source=source)
        except (FetchError, PictureError) as error:
            raise ValidationError({field: [str(error)]}) from error
        return Response(PictureSerializer(picture).data, status=status.HTTP_201_CREATED)


def limit() -> int:
    """One byte more than is allowed, so that what is too long shows without being read whole."""
    return int(settings.PICTURE_MAX_BYTES) + 1


class ProductPicture(ProductsView):
    """One picture of a product."""

    scopes = {"DELETE": Scope.CATALOG_WRITE}

    @extend_schema(operation_id="products_pictures_destroy", parameters=[SKU], responses={204: None})
    def delete(self, request: Request, sku: str, pk: int) -> Response:
        """Takes the picture off the product and deletes its files, unless another product shows them."""
        picture = Picture.objects.filter(product=self.get_object(), pk=pk).first() if pk < 2**63 else None
        if picture is None:
            raise Http404("The product has no such picture.")
        services.delete_picture(picture)
        return Response(status=status.HTTP_204_NO_CONTENT)
