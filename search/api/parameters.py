"""From a search call to a SearchRequest. Every name and value comes from strangers, so each one is checked here."""

import io
import math
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from PIL import Image
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from catalog.verification import PictureError, to_rgb, verify
from search.query.crop import Crop
from search.query.request import MOST_PICTURES, Filters, SearchRequest

LONGEST_QUERY = 500  # characters
LONGEST_VALUE = 200
LONGEST_SKU = 64
MOST_VALUES = 50
MOST_ATTRIBUTES = 20
LARGEST_PAGE = 100
ATTRIBUTE = "attributes."
MODES = ("hybrid", "lexical", "semantic")
SORTS = ("relevance", "price", "-price", "-released", "title")
FACETS = ("category", "brand", "store", "tag", "price", "in_stock", "promotion")
# Parameters of the address that may come several times, or once with a list in JSON.
LISTS = ("brand", "store", "tag", "facets", "image_of", "crop", "literal")


class Text(serializers.CharField):
    """A string and nothing that merely turns into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise ValidationError("Expected a string.")
        return str(super().to_internal_value(data))


class Number(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            raise ValidationError("Expected a number.")
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            raise ValidationError("Expected a finite number.")
        return float(value)


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, (bool, float)):
            raise ValidationError("Expected a whole number.")
        return int(super().to_internal_value(data))


def _value() -> Text:
    return Text(max_length=LONGEST_VALUE, allow_blank=False)


class Values(serializers.ListField):
    """One string, or a list of different ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=_value(), max_length=MOST_VALUES, **options)

    def to_internal_value(self, data: Any) -> Any:
        return tuple(dict.fromkeys(super().to_internal_value([data] if isinstance(data, str) else data)))


_SEVERAL = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": MOST_PICTURES}]}


@extend_schema_field(_SEVERAL)
class Skus(serializers.ListField):
    """The products whose pictures are the query."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Text(max_length=LONGEST_SKU), max_length=MOST_PICTURES, **options)

    def to_internal_value(self, data: Any) -> Any:
        return tuple(super().to_internal_value(([data] if data else []) if isinstance(data, str) else data))


@extend_schema_field(_SEVERAL)
class Crops(serializers.ListField):
    """Regions, of `image` first and then of `image_of`: "0,0,1,1" leaves a picture whole."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Text(max_length=100), max_length=MOST_PICTURES, **options)

    def to_internal_value(self, data: Any) -> Any:
        texts = super().to_internal_value([data] if isinstance(data, str) else data)
        try:
            return tuple(Crop.parse(text) for text in texts)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}})
class Attributes(serializers.Field):
    """{"colour": ["red", "blue"], "size": "m"}"""

    def to_internal_value(self, data: Any) -> dict[str, tuple[str, ...]]:
        if not isinstance(data, dict):
            raise ValidationError('Expected an object such as {"colour": ["red"]}.')
        if len(data) > MOST_ATTRIBUTES:
            raise ValidationError(f"At most {MOST_ATTRIBUTES} attributes at once.")
        names, values = _value(), Values()
        return {names.run_validation(name): values.run_validation(value) for name, value in data.items()}

    def to_representation(self, value: Any) -> Any:
        return value


class Strict(serializers.Serializer):
    """Refuses names that nobody reads: a filter with a typing error would silently show everything."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(str(name) for name in data.keys() - self.fields.keys())):
            known = ", ".join(self.fields)
            raise ValidationError({name[:100]: [f"Unknown parameter. Known are: {known}."] for name in unknown[:20]})
        return super().to_internal_value(data)


class FiltersSerializer(Strict):
    category = Text(max_length=LONGEST_VALUE, required=False, help_text="Slug; its whole subtree counts.")
    brand = Values(required=False, help_text="Slugs; one of them.")
    store = Values(required=False, help_text="Slugs; one of them.")
    tag = Values(required=False, help_text="Slugs; one of them.")
    price_min = Number(required=False, allow_null=True, min_value=0, max_value=1e12)
    price_max = Number(required=False, allow_null=True, min_value=0, max_value=1e12)
    in_stock = serializers.BooleanField(required=False)
    promotion = Text(max_length=LONGEST_VALUE, required=False, help_text="Slug of a running promotion.")
    collection = Text(max_length=LONGEST_VALUE, required=False, help_text="Slug.")
    attributes = Attributes(required=False, help_text="In an address: attributes.colour=red&attributes.colour=blue")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        low, high = attrs.get("price_min"), attrs.get("price_max")
        if low is not None and high is not None and low > high:
            raise ValidationError({"price_min": ["The lowest price is above the highest."]})
        return attrs


class SearchSerializer(Strict):
    """The body of a search in JSON; in an address the filters stand beside the others."""

    q = Text(max_length=LONGEST_QUERY, required=False, allow_blank=True, help_text="Words, or an exact code.")
    image_of = Skus(required=False, help_text="Sku whose pictures are the query, or up to four.")
    crop = Crops(required=False, help_text="A region for each picture: x,y,width,height as shares from 0 to 1.")
    mode = serializers.ChoiceField(MODES, required=False)
    filters = FiltersSerializer(required=False)
    facets = Values(required=False, help_text=f"{', '.join(FACETS)}, attributes.NAME, or none; left out: what fits.")
    sort = serializers.ChoiceField(SORTS, required=False)
    page = Whole(required=False, min_value=1, max_value=10_000)
    page_size = Whole(required=False, min_value=1, max_value=LARGEST_PAGE)
    explain = serializers.BooleanField(required=False)
    understand = serializers.BooleanField(required=False, help_text="false: nothing is read out of the words.")
    literal = Values(required=False, help_text="Phrases that are plain words, whatever they seem to say.")
    personal = serializers.BooleanField(required=False, help_text="false: in the order that everybody gets.")

    def validate_facets(self, value: tuple[str, ...]) -> tuple[str, ...]:
        if value == ("none",):
            return ()
        if unknown := [name for name in value if name not in FACETS and not name.startswith(ATTRIBUTE)]:
            raise ValidationError(f"No facet is named {unknown[0]!r}. Known are: {', '.join(FACETS)}, attributes.NAME.")
        return value


# "not" is a word of Python, so the field cannot be declared with the others.
SearchSerializer._declared_fields["not"] = Text(
    max_length=LONGEST_QUERY, required=False, allow_blank=True, help_text="Words to stay away from."
)
_FILTERS = tuple(FiltersSerializer._declared_fields)


def from_address(params: QueryDict) -> dict[str, Any]:
    """The same shape as the JSON body has. Names that may come once and come twice are refused."""
    data: dict[str, Any] = {}
    filters: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for name, values in params.lists():
        if name.startswith(ATTRIBUTE):
            attributes[name.removeprefix(ATTRIBUTE)] = values
            continue
        target = filters if name in _FILTERS and name != "attributes" else data
        if name in LISTS:
            several = [each for value in values for each in value.split(",")] if name == "facets" else values
            target[name] = [each for each in several if each] or (["none"] if name == "facets" else [])
        elif len(values) > 1:
            raise ValidationError({name[:100]: ["Given more than once."]})
        else:
            target[name] = values[0]
    if attributes:
        filters["attributes"] = attributes
    filters = {name: value for name, value in filters.items() if value not in ("", [])}
    return {**data, **({"filters": filters} if filters else {})}


def read(data: Any, images: tuple[Image.Image, ...] = ()) -> SearchRequest:
    """Check everything. Raises ValidationError with a sentence for each field at fault."""
    serializer = SearchSerializer(data=data)
    serializer.is_valid(raise_exception=True)
    given = dict(serializer.validated_data)
    given["not_q"] = given.pop("not", "")
    given["filters"] = Filters(**given.get("filters", {}))
    return SearchRequest(image=images or None, **given)


def picture(upload: Any) -> Image.Image:
    """An uploaded file as encoders see pictures. Raises ValidationError."""
    if not hasattr(upload, "read"):
        raise ValidationError({"image": ["Send the picture as a file (multipart/form-data)."]})
    try:
        with Image.open(io.BytesIO(verify(upload.read()).data)) as image:
            image.load()  # the picture outlives its file
            return to_rgb(image)
    except PictureError as error:
        raise ValidationError({"image": [str(error)]}) from error
