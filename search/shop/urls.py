"""The shoppers' addresses."""

from django.contrib.sitemaps.views import index, sitemap
from django.urls import path
from django.views.decorators.http import require_safe

from search.shop import views
from search.shop.sitemaps import SITEMAPS

app_name = "shop"
urlpatterns = [
    path("", views.home, name="home"),
    path("search", views.search_page, name="search"),
    path("search/region", views.region, name="region"),
    path("search/picture", views.by_picture, name="by-picture"),
    path("search/picture/<str:token>", views.query_picture, name="query-picture"),
    path("p/<str:slug>", views.product, name="product"),
    path("c/<str:slug>", views.category, name="category"),
    path("b/<str:slug>", views.brand, name="brand"),
    path("s/<str:slug>", views.store, name="store"),
    path("promo/<str:slug>", views.promotion, name="promotion"),
    path("collection/<str:slug>", views.collection, name="collection"),
    path("robots.txt", views.robots, name="robots"),
    path(
        "sitemap.xml", require_safe(index), {"sitemaps": SITEMAPS, "sitemap_url_name": "shop:sitemap"}, name="sitemaps"
    ),
    path("sitemap-<section>.xml", require_safe(sitemap), {"sitemaps": SITEMAPS}, name="sitemap"),
]
