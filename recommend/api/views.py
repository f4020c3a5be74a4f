"""GET /api/v1/recommendations/<surface>."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.permissions import READING
from catalog.models import Brand, Promotion, Store
from recommend.api import parameters
from recommend.serving.cards import made_of
from recommend.sponsored.surface import LABEL
from recommend.surfaces import SURFACES, Recommendation
from recommend.surfaces.base import DEEPEST
from search.api.rendering import card
from search.api.views import PublicView
from search.bulkhead import recommendation_turn

_ERRORS = {status: {"type": "object", "additionalProperties": {}} for status in (400, 403, 404, 429, 503)}


class RecommendationsView(PublicView):
    scopes = READING

    @extend_schema(
        operation_id="recommendations",
        parameters=[
            OpenApiParameter("surface", str, OpenApiParameter.PATH, enum=sorted(SURFACES)),
            *parameters.DESCRIBED,
        ],
        responses={
            200: inline_serializer(
                "Recommendations",
                {
                    "surface": serializers.CharField(),
                    "title": serializers.CharField(),
                    "personalised": serializers.BooleanField(
                        help_text="Whether a shopper is known and has not switched it off."
                    ),
                    "hits": serializers.ListField(
                        child=serializers.DictField(),
                        help_text="Products as cards; of stores, brands and promotions `store`, `brand` or `promotion` "
                        "with the `products` that made the case. Each has `score`, `reason` and `why`, and a sponsored "
                        "one `sponsored`, the `label` to show, `placement`, the `link` that leads to the product and "
                        "counts the click, and where the store pays for views the address `seen`, to be posted to once "
                        "it was in view.",
                    ),
                    "offset": serializers.IntegerField(),
                    "degraded": serializers.ListField(
                        child=serializers.CharField(), help_text="What it had to do without; empty where all is well."
                    ),
                    "more": serializers.BooleanField(help_text="Whether a larger offset gives more."),
                },
            ),
            **_ERRORS,
        },
    )
    def get(self, request: Request, surface: str) -> Response:
        """What a surface recommends, each hit with a reason that is true of it and the parts it was computed from."""
        recommend = SURFACES.get(surface)
        if recommend is None:
            available = ", ".join(sorted(SURFACES))
            raise NotFound(f"There is no surface {surface[:100]!r}. Available are: {available}.")
        ask = parameters.read(request, recommend)
        with recommendation_turn():
            found = recommend(ask)
        return Response(
            {
                "surface": surface,
                "title": recommend.title,
                "personalised": bool(ask.shopper and ask.personal and ask.shopper.personalised),
                "hits": [_hit(each) for each in found.hits],
                "offset": ask.offset,
                "degraded": list(found.degraded),
                "more": found.more and ask.offset + ask.limit <= DEEPEST,
            },
            headers={"Cache-Control": "private, no-store"},
        )


def _hit(hit: Recommendation) -> dict[str, Any]:
    told: dict[str, Any] = {"score": hit.score, "reason": hit.reason, "why": hit.why}
    if hit.sponsored:
        told |= {
            "sponsored": True,
            "label": LABEL,
            "placement": str(hit.placement),
            "link": reverse("recommend:go", args=[hit.placement]),
        }
        if hit.by_view:
            told["seen"] = reverse("recommend:seen", args=[hit.placement])
    if hit.product:
        return {**made_of(hit.product, card), **told}
    if hit.store:
        told["store"] = _named(hit.store)
    if hit.brand:
        told["brand"] = _named(hit.brand)
    if hit.promotion:
        told["promotion"] = _promotion(hit.promotion)
    return {**told, "products": [_hit(each) for each in hit.products]}


def _named(subject: Store | Brand) -> dict[str, Any]:
    return {"slug": subject.slug, "name": subject.name, "url": subject.get_absolute_url()}


def _promotion(promotion: Promotion) -> dict[str, Any]:
    return {
        "slug": promotion.slug,
        "name": promotion.name,
        "description": promotion.description,
        "kind": promotion.kind,
        "value": str(promotion.value),
        "starts_at": promotion.starts_at.isoformat(),
        "ends_at": promotion.ends_at.isoformat() if promotion.ends_at else None,
        "url": promotion.get_absolute_url(),
    }
