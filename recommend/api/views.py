"""GET /api/v1/recommendations/<surface>."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors
from recommend.surfaces import SURFACES, Ask
from search.api.parameters import Strict, Text, Whole
from search.api.rendering import card
from search.api.views import PublicView
from search.index.errors import VectorStoreError
from search.query import SearchUnavailable

MOST = 50


class _Parameters(Strict):
    product = Text(max_length=64)
    limit = Whole(required=False, default=12, min_value=1, max_value=MOST)


class RecommendationsView(PublicView):
    @extend_schema(
        operation_id="recommendations",
        parameters=[
            OpenApiParameter("surface", str, OpenApiParameter.PATH, enum=sorted(SURFACES)),
            OpenApiParameter("product", str, required=True, description="Sku of the product that is looked at."),
            OpenApiParameter("limit", int, description=f"At most {MOST}; 12 if not given."),
        ],
        responses={
            200: inline_serializer(
                "Recommendations",
                {
                    "surface": serializers.CharField(),
                    "hits": serializers.ListField(
                        child=serializers.DictField(), help_text="Cards, each with a score and a reason."
                    ),
                },
            ),
            **{status: {"type": "object", "additionalProperties": {}} for status in (400, 404, 503)},
        },
    )
    def get(self, request: Request, surface: str) -> Response:
        """Products that go with one product, each with the reason why it is shown."""
        recommend = SURFACES.get(surface)
        if recommend is None:
            available = ", ".join(sorted(SURFACES))
            raise NotFound(f"There is no surface {surface[:100]!r}. Available are: {available}.")
        asked = _Parameters(data=_once(request))
        asked.is_valid(raise_exception=True)
        sku = asked.validated_data["product"]
        product = selectors.published_products().select_related("category", "brand").filter(sku=sku).first()
        if product is None:
            raise ValidationError({"product": [f"There is no product with the sku {sku!r}."]})
        try:
            found = recommend(Ask(None, product=product, limit=asked.validated_data["limit"])).hits
        except VectorStoreError as error:
            raise SearchUnavailable(f"Recommendations cannot be reached at the moment: {error}") from error
        hits = [{**card(each.product), "score": each.score, "reason": each.reason} for each in found if each.product]
        return Response({"surface": surface, "hits": hits})


def _once(request: Request) -> dict[str, Any]:
    if twice := [name for name, values in request.query_params.lists() if len(values) > 1]:
        raise ValidationError({twice[0][:100]: ["Given more than once."]})
    return dict(request.query_params.items())
