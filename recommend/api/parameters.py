"""From the address of a call for recommendations to an Ask. Every name and value comes from strangers."""

from dataclasses import fields
from typing import Any

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request

from catalog.api.permissions import may
from catalog.models import Category, Product, Scope
from catalog.selectors import published_products, with_card_parts, with_skus
from recommend.events.drafts import LONGEST_NAME, LONGEST_SKU
from recommend.events.models import Shopper
from recommend.events.shoppers import called, of_name, shopper_of
from recommend.surfaces import Ask, Surface
from recommend.surfaces.base import DEEPEST
from search.api.parameters import ATTRIBUTE, LONGEST_QUERY, LONGEST_VALUE, FiltersSerializer, Text, Whole
from search.query.request import Filters

MOST = 50  # hits in one answer
MOST_SKUS = 200
LISTS = ("brand", "store", "tag")  # repeated
SKUS = ("products", "exclude")  # repeated, or with commas


def _skus() -> serializers.ListField:
    return serializers.ListField(child=Text(max_length=LONGEST_SKU), max_length=MOST_SKUS, required=False)


class AskSerializer(FiltersSerializer):
    product = Text(max_length=LONGEST_SKU, required=False)
    products = _skus()
    q = Text(max_length=LONGEST_QUERY, required=False, allow_blank=True)
    shopper = Text(max_length=LONGEST_NAME, required=False)
    personal = serializers.BooleanField(required=False, default=True)
    limit = Whole(required=False, default=12, min_value=1, max_value=MOST)
    offset = Whole(required=False, default=0, min_value=0, max_value=DEEPEST)
    exclude = _skus()


# Checks keep nothing between calls, and to make all these fields anew costs more than to check them.
_ASK = AskSerializer()
_LIST = {"type": "array", "items": {"type": "string"}}
DESCRIBED = [
    OpenApiParameter("product", str, description="Sku of the product that is looked at."),
    OpenApiParameter("products", _LIST, description="Skus in the cart; repeated, or with commas."),
    OpenApiParameter("category", str, description="Slug; only what is in its subtree."),
    OpenApiParameter("q", str, description="Words searched for, for `sponsored` beside a search."),
    OpenApiParameter(
        "shopper",
        str,
        description="Key of a shopper, or what the shop's own systems call one. Takes an API key, unless it is the key "
        "of the caller's own cookie. Left out: who the cookie or the header X-Shopper-Session says.",
    ),
    OpenApiParameter("personal", bool, description="false: as strangers are answered; what was hidden stays hidden."),
    OpenApiParameter("limit", int, description=f"At most {MOST}; 12 if not given."),
    OpenApiParameter("offset", int, description=f"At most {DEEPEST}."),
    OpenApiParameter("exclude", _LIST, description="Skus that are shown already; repeated, or with commas."),
    OpenApiParameter("brand", _LIST, description="Slugs; repeat it for alternatives."),
    OpenApiParameter("store", _LIST, description="Slugs."),
    OpenApiParameter("tag", _LIST, description="Slugs."),
    OpenApiParameter("price_min", OpenApiTypes.DOUBLE),
    OpenApiParameter("price_max", OpenApiTypes.DOUBLE),
    OpenApiParameter("in_stock", bool, description="Always so: what cannot be bought is not recommended."),
    OpenApiParameter("promotion", str, description="Slug of a running promotion."),
    OpenApiParameter("collection", str, description="Slug."),
    OpenApiParameter(
        "attributes",
        {"type": "object", "additionalProperties": {"type": "string"}},
        style="deepObject",
        description="Written `attributes.NAME=VALUE`; repeat it for alternatives.",
    ),
]


def read(request: Request, surface: Surface) -> Ask:
    """Check everything. Raises ValidationError with a sentence for each field at fault, and PermissionDenied."""
    given: dict[str, Any] = dict(_ASK.run_validation(_from_address(request.query_params)))
    cart, shown = given.get("products", []), given.get("exclude", [])
    if surface.needs_product and not given.get("product") and not cart:
        raise ValidationError({"product": [f"{surface.name} starts from a product: name its sku."]})
    known = _products({given.get("product", ""), *cart})
    for name, skus in (("product", [given["product"]] if given.get("product") else []), ("products", cart)):
        if unknown := [sku for sku in skus if sku not in known]:
            raise ValidationError({name: [f"There is no product with the sku {unknown[0]!r}."]})
    filters = {each.name: given[each.name] for each in fields(Filters) if each.name in given}
    filters.pop("category", None)
    return Ask(
        shopper=_shopper(request, given.get("shopper")),
        product=known.get(given.get("product", "")),
        products=tuple(known[sku] for sku in dict.fromkeys(cart)),
        category=_category(given.get("category", "")),
        limit=given["limit"],
        offset=given["offset"],
        exclude=_known_ids(shown),
        q=given.get("q", "").strip(),
        filters=Filters(**filters),
        personal=given["personal"],
    )


def _from_address(params: QueryDict) -> dict[str, Any]:
    data: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for name, values in params.lists():
        if name.startswith(ATTRIBUTE):
            attributes[name.removeprefix(ATTRIBUTE)] = values
        elif name in SKUS:
            data[name] = [sku for value in values for sku in value.split(",") if sku]
        elif name in LISTS:
            data[name] = [value for value in values if value]
        elif len(values) > 1:
            raise ValidationError({name[:100]: ["Given more than once."]})
        elif values[0] != "":
            data[name] = values[0]
    return {**data, **({"attributes": attributes} if attributes else {})}


def _products(skus: set[str]) -> dict[str, Product]:
    skus.discard("")
    found = with_card_parts(with_skus(published_products(), *skus)) if skus else []
    return {product.sku: product for product in found}


def _known_ids(skus: list[str]) -> frozenset[int]:
    # What is not in the shop any more need not be left out.
    return frozenset(with_skus(Product.objects.all(), *skus).values_list("pk", flat=True)) if skus else frozenset()


def _category(slug: str) -> Category | None:
    if not slug:
        return None
    category = Category.objects.filter(slug=slug[:LONGEST_VALUE]).first()
    if category is None:
        raise ValidationError({"category": [f"There is no category {slug!r}."]})
    return category


def _shopper(request: Request, name: str | None) -> Shopper | None:
    """Who is asking. With an API key a shop's own systems ask for anybody; else a shopper asks for themselves alone.

    A key is a random UUID and cannot be guessed, but it may be seen (in a link, a log, on somebody's screen), and a
    history is nobody else's business. So to know a key is not enough.
    """
    if name is None:
        return shopper_of(request)
    if may(request, Scope.SHOPPERS_READ):
        found = called(name)
        return found.merged_into or found if found else None
    own = shopper_of(request)
    if own is None or own.key != of_name(name):
        raise PermissionDenied("Recommendations for another shopper take an API key with the scope shoppers:read.")
    return own
