"""What search engines may index: products in pages of the protocol's 50,000 at most, and the listings."""

from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet

from catalog.models import Brand, Category, Product, Store
from catalog.selectors import published_products


class ProductSitemap(Sitemap):
    limit = 20_000

    def items(self) -> QuerySet[Product]:
        return published_products().order_by("pk").only("slug", "updated_at")

    def lastmod(self, product: Product) -> object:
        return product.updated_at


class _Listings(Sitemap):
    limit = 20_000
    model: type[Category | Brand | Store]

    def items(self) -> QuerySet:
        return self.model.objects.order_by("pk").only("slug")


class CategorySitemap(_Listings):
    model = Category


class BrandSitemap(_Listings):
    model = Brand


class StoreSitemap(_Listings):
    model = Store


SITEMAPS = {
    "products": ProductSitemap,
    "categories": CategorySitemap,
    "brands": BrandSitemap,
    "stores": StoreSitemap,
}
