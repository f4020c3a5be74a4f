"""The shoppers' pages. Everything works with plain links and forms; htmx only saves whole page loads."""

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from catalog.api.throttles import admits
from catalog.models import Brand, Category, Collection, Product, Promotion, Store
from catalog.pictures import PictureError
from catalog.selectors import family_of, product_by_slug, promotions_at
from search.bulkhead import RETRY_SECONDS, Overloaded
from search.documents import attribute_values
from search.merchandising.leading import address_for
from search.query.errors import BadRequest, SearchUnavailable
from search.query.request import MOST_PICTURES
from search.shop import asked_pictures, query_pictures
from search.shop.cards import make_cards
from search.shop.home import front_page
from search.shop.listing import listing
from search.shop.parameters import MODES, SORTS, ParameterError
from search.shop.structured import product_data

log = logging.getLogger(__name__)

# Catalogues write a number's unit behind its attribute's name: weight_g.
_UNITS = {unit: unit for unit in ("mm", "cm", "m", "g", "kg", "ml", "l", "h", "min")} | {
    "c": "°C", "w": "W", "v": "V", "mah": "mAh", "gb": "GB", "tb": "TB", "mhz": "MHz", "ghz": "GHz",
}  # fmt: skip
UPLOADS = "30/min"  # each leaves a file for a day, so one address may leave only so many


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "shop/home.html", front_page())


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    # A filter that htmx sets on a page that is there leads nowhere else.
    if "HX-Request" not in request.headers and (address := address_for(request)):
        return _led_to(request, address)
    return _results(request, "shop/search.html", {})


def _led_to(request: HttpRequest, address: str) -> HttpResponse:
    """A redirect; to another host by a page that goes on at once, since a form may not end there (form-action)."""
    if address.startswith("/"):
        return redirect(address)
    context = {"address": address, "host": urlsplit(address).hostname, "icon": "window"}
    response = render(request, "shop/leading.html", context)
    response["Refresh"] = f"0; url={iri_to_uri(address)}"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def by_picture(request: HttpRequest) -> HttpResponse:
    """Take a picture to search with, and lead to its results; by GET, the form for it."""
    if request.method != "POST":
        return render(request, "shop/by_picture.html")
    try:
        upload = request.FILES.get("picture")
        search = _search_of(request.POST)
        pictures = asked_pictures.read_pictures(search)
    except RequestDataTooBig:
        return _picture_error(request, "The upload is too large.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except ValueError as error:
        return _picture_error(request, str(error), HTTPStatus.BAD_REQUEST)
    if upload is None:
        return _picture_error(request, "Choose a picture first.", HTTPStatus.BAD_REQUEST)
    if len(pictures) >= MOST_PICTURES:
        return _picture_error(request, f"At most {MOST_PICTURES} pictures at once.", HTTPStatus.BAD_REQUEST)
    if not admits(request, "query-picture", UPLOADS):
        return _picture_error(
            request, "That were many pictures in a minute. Please wait a little.", HTTPStatus.TOO_MANY_REQUESTS
        )
    try:
        token = query_pictures.keep(upload.read())
    except PictureError as error:
        return _picture_error(request, str(error), HTTPStatus.BAD_REQUEST)
    return _to_search(search, (*pictures, asked_pictures.AskedPicture("picture", token)))


@require_safe
def region(request: HttpRequest) -> HttpResponse:
    """Search with another region of one of the pictures: from the form's numbers to the address that holds it."""
    search = _search_of(request.GET)
    edges = {edge: request.GET.get(f"region_{edge}", "") for edge in asked_pictures.EDGES}
    try:
        pictures = asked_pictures.cropped(asked_pictures.read_pictures(search), request.GET.get("region_of", ""), edges)
    except ValueError as error:
        context = {"sentences": [str(error)]}
        return render(request, "shop/bad_request.html", context, status=HTTPStatus.BAD_REQUEST)
    return _to_search(search, pictures)


def _search_of(given: QueryDict) -> QueryDict:
    """The search that a form carries along."""
    search = QueryDict(mutable=True)
    for name in given:
        if name != "csrfmiddlewaretoken" and not name.startswith("region_"):
            search.setlist(name, [value[:300] for value in given.getlist(name) if value.strip()])
    return search


def _to_search(search: QueryDict, pictures: tuple[asked_pictures.AskedPicture, ...]) -> HttpResponse:
    address = asked_pictures.with_pictures(search, pictures).urlencode()
    return redirect(f"{reverse('shop:search')}?{address}", permanent=False)


def _picture_error(request: HttpRequest, sentence: str, status: HTTPStatus) -> HttpResponse:
    return render(request, "shop/by_picture.html", {"error": sentence}, status=status)


@require_safe
@cache_control(private=True, max_age=86_400, immutable=True)
def query_picture(request: HttpRequest, token: str) -> HttpResponse:
    """The picture a shopper searched with, for the page of its results."""
    try:
        data = query_pictures.load(token)
    except query_pictures.PictureGoneError:
        raise Http404("This picture has expired.") from None
    return HttpResponse(data, content_type="image/webp", headers={"X-Robots-Tag": "noindex"})


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        shown = product_by_slug(slug)
    except Product.DoesNotExist:
        gone = Product.objects.filter(slug=slug, status=Product.Status.ARCHIVED).select_related("category").first()
        if gone is None:
            raise Http404("There is no such product.") from None
        return render(request, "shop/gone.html", {"product": gone}, status=HTTPStatus.GONE)
    pictures, variants = list(shown.pictures.all()), list(shown.variants.all())
    variant = next((each for each in variants if each.sku == request.GET.get("variant")), None)
    line = [*Category.objects.get_ancestors(shown.category), shown.category] if shown.category else []
    card, *family = make_cards([shown, *family_of(shown)])
    return render(
        request,
        "shop/product.html",
        {
            "product": shown,
            "card": card,
            "pictures": pictures,
            "image": request.build_absolute_uri(pictures[0].file.url) if pictures else "",
            "department": line[0].path if line else "",
            "variants": variants,
            "variant": variant,
            "stock": variant.stock if variant else shown.stock or sum(each.stock for each in variants),
            "line": line,
            "siblings": sorted([card, *family], key=lambda each: each.product.pk) if family else [],
            "facts": list(_facts(shown)),
            "structured": product_data(request, card, line, variant),
            "canonical": request.build_absolute_uri(shown.get_absolute_url()),
        },
    )


def _facts(shown: Product) -> list[tuple[str, str]]:
    """Name and value of each attribute, several values of one name in one line; then the codes people look for."""
    facts: dict[str, list[str]] = {}
    for name, value in attribute_values(shown.attributes):
        words, _, unit = name.rpartition("_")
        if words and unit in _UNITS:
            name, value = words, f"{value} {_UNITS[unit]}"
        facts.setdefault(name.replace("_", " ").capitalize(), []).append(value)
    for code in shown.codes.all():
        facts.setdefault(code.get_kind_display(), []).append(code.value)
    return [(name, ", ".join(dict.fromkeys(values))) for name, values in facts.items()]


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(Category, slug=slug)
    context = {
        "title": shown.name,
        "line": list(Category.objects.get_ancestors(shown)),
        "children": list(Category.objects.get_children(shown)),
        "department": shown.path[: shown.steplen],
    }
    return _results(request, "shop/browse.html", context, within={"category": slug})


@require_safe
def brand(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(Brand, slug=slug)
    context = {"title": shown.name, "about": shown.description}
    return _results(request, "shop/browse.html", context, within={"brand": (slug,)})


@require_safe
def store(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(Store, slug=slug)
    context = {"title": shown.name, "about": shown.description}
    return _results(request, "shop/browse.html", context, within={"store": (slug,)})


@require_safe
def promotion(request: HttpRequest, slug: str) -> HttpResponse:
    shown = promotions_at().filter(slug=slug).first()
    if shown is None:
        known = get_object_or_404(Promotion, slug=slug)
        return render(request, "shop/gone.html", {"promotion": known}, status=HTTPStatus.GONE)
    context = {"title": shown.name, "about": shown.description, "promotion": shown}
    return _results(request, "shop/browse.html", context, within={"promotion": slug})


@require_safe
def collection(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(Collection, slug=slug)
    context = {"title": shown.title, "about": shown.description}
    return _results(request, "shop/browse.html", context, within={"collection": slug})


def _results(
    request: HttpRequest, template: str, context: dict[str, Any], *, within: dict[str, Any] | None = None
) -> HttpResponse:
    """Render a listing, or say in plain words why there is none."""
    try:
        found = listing(request, within=within)
    except ParameterError as error:
        return render(request, "shop/bad_request.html", {"sentences": error.sentences}, status=HTTPStatus.BAD_REQUEST)
    except BadRequest as error:
        return render(request, "shop/bad_request.html", {"sentences": [str(error)]}, status=HTTPStatus.BAD_REQUEST)
    except SearchUnavailable as error:
        log.warning("A page of results could not be made", exc_info=not isinstance(error, Overloaded))
        asked = {"q": request.GET.get("q", "")}
        response = render(
            request,
            "shop/unavailable.html",
            {"icon": "pause", "request_": asked},
            status=HTTPStatus.SERVICE_UNAVAILABLE,
        )
        response["Retry-After"] = RETRY_SECONDS
        return response
    except query_pictures.PictureGoneError:
        sentence = "The picture of this search has expired: pictures are kept for a day. Choose it again."
        return _picture_error(request, sentence, HTTPStatus.GONE)
    shown = {
        "listing": found,
        "request_": found.asked.request,
        "sorts": SORTS.items(),
        "modes": MODES.items(),
        # The same search for whom the page asks beside its own results.
        "asked_query": "&".join(filter(None, [request.GET.urlencode(), urlencode(within or {}, doseq=True)])),
    }
    return render(request, template, {**context, **shown})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Searches and feeds are endless, and a cart is nobody else's; products and listings are in the site map."""
    lines = [
        "User-agent: *",
        "Disallow: /search",
        "Disallow: /api/",
        "Disallow: /rows/",
        "Disallow: /discover/",
        "Disallow: /go/",
        "Disallow: /cart",
        "Disallow: /you",
        "Disallow: /sign-",
        "Disallow: /admin/",
        f"Sitemap: {request.build_absolute_uri(reverse('shop:sitemaps'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
