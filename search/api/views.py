"""GET and POST /api/v1/search, and GET /api/v1/suggest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from PIL import Image
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.limits import LIMITS
from catalog.api.parsing import StrictJSONParser
from catalog.api.permissions import READING, Scoped, Scopes
from search.api import parameters
from search.api.rendering import OrjsonRenderer, card
from search.bulkhead import search_turn
from search.query import BadRequest, Facet, Hit, SearchRequest, SearchUnavailable, recent, suggest
from search.query.personal import shopper_of
from search.query.request import MOST_PICTURES
from search.serving import serve


class Unavailable(APIException):
    status_code = 503
    default_code = "unavailable"


class PublicView(APIView):
    """Anybody may ask, also by POST: nothing of anybody's is changed, so neither a key nor a CSRF token protects it."""

    scopes: Scopes = {}
    permission_classes = [Scoped]
    authentication_classes: Any = []
    throttle_classes = LIMITS
    renderer_classes = [OrjsonRenderer]

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, BadRequest):
            exc = ValidationError({exc.field: [str(exc)]})
        if isinstance(exc, SearchUnavailable):
            exc = Unavailable(str(exc))
            response = super().handle_exception(exc)
            response["Retry-After"] = "5"
            return response
        return super().handle_exception(exc)


_LIST = {"type": "array", "items": {"type": "string"}}
_PARAMETERS = [
    OpenApiParameter("q", str, description="Words, or an exact sku, model number or EAN."),
    OpenApiParameter("not", str, description="Words to stay away from."),
    OpenApiParameter("image_of", _LIST, description="Sku of the product whose pictures are the query; up to four."),
    OpenApiParameter("crop", _LIST, description="A region of each picture, in their order: x,y,width,height, 0 to 1."),
    OpenApiParameter("mode", str, enum=parameters.MODES),
    OpenApiParameter("category", str, description="Slug; its whole subtree counts."),
    OpenApiParameter("brand", _LIST, description="Slugs; repeat it for alternatives."),
    OpenApiParameter("store", _LIST, description="Slugs."),
    OpenApiParameter("tag", _LIST, description="Slugs."),
    OpenApiParameter("price_min", OpenApiTypes.DOUBLE),
    OpenApiParameter("price_max", OpenApiTypes.DOUBLE),
    OpenApiParameter("in_stock", bool),
    OpenApiParameter("promotion", str, description="Slug of a running promotion."),
    OpenApiParameter("collection", str, description="Slug."),
    OpenApiParameter("facets", _LIST, description="Names, comma-separated or repeated; `none` for none."),
    OpenApiParameter("sort", str, enum=parameters.SORTS),
    OpenApiParameter("page", int),
    OpenApiParameter("page_size", int),
    OpenApiParameter("explain", bool),
    OpenApiParameter("understand", bool, description="false: nothing is read out of the words."),
    OpenApiParameter("literal", _LIST, description="Phrases that are plain words, whatever they seem to say."),
    OpenApiParameter("personal", bool, description="false: in the order that everybody gets, whoever is asking."),
]
_MULTIPART = inline_serializer(
    "SearchByPicture",
    {
        "image": serializers.ListField(
            child=serializers.FileField(), max_length=MOST_PICTURES, help_text="JPEG, PNG or WebP; up to four."
        ),
        "crop": serializers.ListField(
            child=serializers.CharField(), required=False, help_text="x,y,width,height of each picture, from 0 to 1."
        ),
        "q": serializers.CharField(required=False),
    },
)
_ANSWER = inline_serializer(
    "SearchAnswer",
    {
        "hits": serializers.ListField(child=serializers.DictField()),
        "facets": serializers.DictField(),
        "total": serializers.IntegerField(),
        "page": serializers.IntegerField(),
        "page_size": serializers.IntegerField(),
        "took_ms": serializers.FloatField(),
        "query": serializers.DictField(help_text="What was understood, and what had to be left out."),
    },
)
_ERROR = {"type": "object", "additionalProperties": {}}
_ANSWERS = {200: _ANSWER, 400: _ERROR, 413: _ERROR, 415: _ERROR, 429: _ERROR, 503: _ERROR}


class SearchView(PublicView):
    scopes = {**READING, "POST": None}
    parser_classes = [StrictJSONParser, MultiPartParser, FormParser]

    @extend_schema(
        operation_id="search",
        parameters=[
            *_PARAMETERS,
            OpenApiParameter(
                "attributes",
                {"type": "object", "additionalProperties": {"type": "string"}},
                style="deepObject",
                description="Written `attributes.NAME=VALUE`; repeat it for alternatives.",
            ),
        ],
        responses=_ANSWERS,
    )
    def get(self, request: Request) -> Response:
        """Find products by words, filters, or the pictures of a product."""
        return self._answer(request, parameters.read(parameters.from_address(request.query_params)))

    @extend_schema(
        operation_id="search_with_body",
        request={"application/json": parameters.SearchSerializer, "multipart/form-data": _MULTIPART},
        responses=_ANSWERS,
    )
    def post(self, request: Request) -> Response:
        """The same in a body: JSON, or a form with a picture in the field `image`."""
        if request.query_params:
            raise ValidationError({"detail": ["A POST takes everything in its body, nothing in its address."]})
        data = request.data
        images: tuple[Image.Image, ...] = ()
        if isinstance(data, QueryDict):
            data = data.copy()
            uploads = data.pop("image", [])
            if stray := [name for name in request.FILES if name != "image"]:
                raise ValidationError({stray[0][:100]: ["Only `image` may be a file."]})
            if len(uploads) > MOST_PICTURES:
                raise ValidationError({"image": [f"Send at most {MOST_PICTURES} pictures."]})
            images = tuple(parameters.picture(upload) for upload in uploads)
            data = parameters.from_address(data)
        return self._answer(request, parameters.read(data, images))

    @staticmethod
    def _answer(request: Request, asked: SearchRequest) -> Response:
        # Who asks is looked up only where it can matter: most searches are of strangers, and it costs a query.
        known = replace(asked, shopper=shopper_of(request)) if asked.personal else asked
        found = serve(request, known, surface="api")
        return Response(
            {
                "hits": [_hit(hit) for hit in found.hits],
                "facets": {facet.name: _facet(facet) for facet in found.facets},
                "total": found.total,
                "page": asked.page,
                "page_size": asked.page_size,
                "took_ms": found.took_ms,
                "query": _without_rule_names(found.query),
            }
        )


class SuggestView(PublicView):
    scopes = READING

    @extend_schema(
        operation_id="suggest",
        parameters=[OpenApiParameter("q", str, required=True, description="What has been typed so far.")],
        responses={
            200: inline_serializer(
                "Suggestions",
                {
                    "history": serializers.ListField(child=serializers.CharField()),
                    "queries": serializers.ListField(child=serializers.CharField()),
                    "products": serializers.ListField(child=serializers.DictField()),
                    "categories": serializers.ListField(child=serializers.DictField()),
                    "brands": serializers.ListField(child=serializers.DictField()),
                },
            ),
            400: _ERROR,
            429: _ERROR,
            503: _ERROR,
        },
    )
    def get(self, request: Request) -> Response:
        """Completions: the shopper's own earlier queries, popular ones, products, categories and brands.

        An error in what was typed is forgiven. An empty `q` asks for what can be offered before anything is typed.
        """
        asked = _SuggestSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        with search_turn():
            found = suggest(asked.validated_data["q"], request)
        return Response(
            {
                "history": found.history,
                "queries": found.queries,
                "products": [card(product) for product in found.products],
                "categories": [
                    {"slug": each.slug, "name": each.name, "full_name": each.full_name, "url": each.get_absolute_url()}
                    for each in found.categories
                ],
                "brands": [
                    {"slug": each.slug, "name": each.name, "url": each.get_absolute_url()} for each in found.brands
                ],
            },
            # The shopper's own queries are among it, and no cache's to keep.
            headers={"Cache-Control": "private, no-store"},
        )


class SuggestHistoryView(PublicView):
    scopes: Scopes = {"DELETE": None}

    @extend_schema(
        operation_id="suggest_history_forget",
        parameters=[OpenApiParameter("q", str, description="The query to forget; without it, all of them.")],
        responses={
            200: inline_serializer("Forgotten", {"forgotten": serializers.IntegerField()}),
            400: _ERROR,
        },
    )
    def delete(self, request: Request) -> Response:
        """Delete the shopper's own earlier queries, one or all. Others' are out of reach."""
        asked = _ForgetSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        return Response({"forgotten": recent.forget(request, asked.validated_data.get("q", ""))})


class _SuggestSerializer(parameters.Strict):
    q = parameters.Text(max_length=parameters.LONGEST_QUERY, allow_blank=True)


class _ForgetSerializer(parameters.Strict):
    q = parameters.Text(max_length=parameters.LONGEST_QUERY, required=False)


def _hit(hit: Hit) -> dict[str, Any]:
    told = {**card(hit.product), "score": hit.score}
    if hit.explanation is None:
        return told
    return {**told, "explanation": {name: _without_rule_names(part) for name, part in hit.explanation.items()}}


def _without_rule_names(told: Mapping[str, Any]) -> dict[str, Any]:
    """Merchandisers name their rules for each other, and anybody may ask here: that a rule held is told, not which."""
    return {name: value for name, value in told.items() if name != "rules"}


def _facet(facet: Facet) -> dict[str, Any]:
    told: dict[str, Any] = {"label": facet.label}
    if facet.values or facet.minimum is None:
        told["values"] = [
            {"value": each.value, "label": each.label, "count": each.count, "selected": each.selected}
            for each in facet.values
        ]
    if facet.minimum is not None:
        told |= {"minimum": facet.minimum, "maximum": facet.maximum}
    return told
