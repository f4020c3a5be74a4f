"""Addresses of the catalogue below /api/v1/. The order matters: a SKU may look like any of the others."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from catalog.api.bulk import ProductsBulk
from catalog.api.products import ProductDetail, ProductList, ProductPicture, ProductPictures
from catalog.api.promotions import CollectionViewSet, PromotionViewSet
from catalog.api.taxonomy import BrandViewSet, CategoryViewSet, StoreViewSet

router = SimpleRouter()
router.register("categories", CategoryViewSet)
router.register("brands", BrandViewSet)
router.register("stores", StoreViewSet)
router.register("promotions", PromotionViewSet)
router.register("collections", CollectionViewSet)

urlpatterns = [
    path("products/", ProductList.as_view(), name="product-list"),
    path("products/bulk", ProductsBulk.as_view(), name="product-bulk"),
    path("products/<path:sku>/pictures", ProductPictures.as_view(), name="product-pictures"),
    path("products/<path:sku>/pictures/<int:pk>", ProductPicture.as_view(), name="product-picture"),
    path("products/<path:sku>", ProductDetail.as_view(), name="product-detail"),
    path("", include(router.urls)),
]
