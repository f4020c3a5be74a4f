"""Pages that load events.js, under the shop's own Content-Security-Policy."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path

HEAD = (
    "{% load events %}<!doctype html><html lang=en><head><title>Page</title><link rel=icon href=data:,>"
    "{% event_script %}</head>"
)
PRODUCT = """<body><main data-event-view data-sku="A" data-surface="product"><h1>Product A</h1></main>
<section data-surface="for-you">
  <article data-event-click data-sku="B" data-position="3" data-placement="7c9e6679-7425-40de-944b-e07fc1f90ae7">
    <a href="/other">Product B</a> <p>beside the link</p></article>
</section>
<button data-event-click="like" data-sku="A">Like</button>
<form data-event-submit="cart" data-sku="A" data-quantity="2" action="/other"><button>Buy</button></form>
</body></html>"""
OTHER = """<body><main data-event-view="search" data-query="red cup"><h1>Results</h1></main></body></html>"""


def page(body: str) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(Template(HEAD + body).render(RequestContext(request)))

    return view


urlpatterns = [
    path("api/v1/", include("recommend.api.urls")),
    path("product", page(PRODUCT)),
    path("other", page(OTHER)),
]
