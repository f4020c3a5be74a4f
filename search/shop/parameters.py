"""From a page's address to a search request. Every value comes from strangers, so each one is checked here."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from search.query.request import Filters, SearchRequest
from search.shop import asked_pictures

MAX_VALUES = 50  # alternatives within one filter
MAX_ATTRIBUTES = 20
MAX_VALUE = 200  # characters
MAX_PAGE = 400
ATTRIBUTE = "attributes."
OFF = ("false", "0", "no", "off")
SORTS: dict[str, str] = {
    "relevance": "Best match",
    "-released": "Newest",
    "price": "Price, low to high",
    "-price": "Price, high to low",
    "title": "Name",
}
MODES: dict[str, str] = {
    "hybrid": "Words and meaning",
    "lexical": "Exact words only",
    "semantic": "Meaning only",
}


class ParameterError(ValueError):
    """The address holds values that mean nothing. `sentences` say which, for the shopper."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


class _Values(forms.Field):
    """A parameter that may come several times: a tuple of different, non-empty strings."""

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> tuple[str, ...]:
        values = tuple(dict.fromkeys(filter(None, value or ())))
        if len(values) > MAX_VALUES:
            raise forms.ValidationError(f"At most {MAX_VALUES} choices at once.")
        for each in values:
            if len(each) > MAX_VALUE or "\0" in each:
                raise forms.ValidationError("A choice is too long or holds characters that no text has.")
        return values


class _SearchForm(forms.Form):
    q = forms.CharField(label="Search", required=False, max_length=300)
    mode = forms.ChoiceField(label="Mode", required=False, choices=MODES.items())
    sort = forms.ChoiceField(label="Order", required=False, choices=SORTS.items())
    page = forms.IntegerField(label="Page", required=False, min_value=1, max_value=MAX_PAGE)
    category = forms.CharField(label="Category", required=False, max_length=MAX_VALUE)
    brand = _Values(label="Brand", required=False)
    store = _Values(label="Store", required=False)
    tag = _Values(label="Tag", required=False)
    promotion = forms.CharField(label="Offer", required=False, max_length=MAX_VALUE)
    collection = forms.CharField(label="Collection", required=False, max_length=MAX_VALUE)
    literal = _Values(label="Plain words", required=False)
    price_min = forms.FloatField(label="Lowest price", required=False, min_value=0, max_value=1e12)
    price_max = forms.FloatField(label="Highest price", required=False, min_value=0, max_value=1e12)
    in_stock = forms.BooleanField(label="In stock", required=False)


_SearchForm.base_fields["not"] = forms.CharField(label="Without", required=False, max_length=300)


@dataclass(frozen=True)
class Asked:
    """What the address asks for, and its pictures by name beside the decoded ones."""

    request: SearchRequest
    pictures: tuple[asked_pictures.AskedPicture, ...] = ()


def read(params: QueryDict, *, within: dict[str, Any] | None = None) -> Asked:
    """Read an address. `within` holds the filters that the page itself sets (a brand's page: {"brand": ("acme",)}).

    Raises ParameterError, and query_pictures.PictureGoneError for a picture that has expired.
    """
    form = _SearchForm(params)
    if not form.is_valid():
        raise ParameterError(
            [f"{form.fields[name].label}: {error}" for name, errors in form.errors.items() for error in errors]
        )
    data = form.cleaned_data
    low, high = data["price_min"], data["price_max"]
    if low is not None and high is not None and low > high:
        low, high = high, low
    filters = {
        **{name: data[name] for name in ("category", "brand", "store", "tag", "promotion", "collection", "in_stock")},
        "price_min": low,
        "price_max": high,
        "attributes": _attributes(params),
        **(within or {}),
    }
    try:
        pictures = asked_pictures.read_pictures(params)
    except ValueError as error:
        raise ParameterError([f"Picture: {error}"]) from None
    uploaded = asked_pictures.images(pictures)
    return Asked(
        SearchRequest(
            q=data["q"],
            not_q=data["not"],
            image=uploaded or None,
            image_of=tuple(each.name for each in pictures if not each.uploaded),
            crop=tuple(each.crop for each in pictures),
            mode=data["mode"] or "hybrid",
            sort=data["sort"] or "relevance",
            filters=Filters(**filters),
            page=data["page"] or 1,
            page_size=settings.SEARCH_PAGE_SIZE,
            explain="explain" in params,
            personal=params.get("personal", "").lower() not in OFF,
            understand=params.get("understand", "").lower() not in OFF,
            literal=data["literal"],
        ),
        pictures,
    )


def _attributes(params: QueryDict) -> dict[str, tuple[str, ...]]:
    names = [name for name in params if name.startswith(ATTRIBUTE) and any(params.getlist(name))]
    if len(names) > MAX_ATTRIBUTES:
        raise ParameterError([f"At most {MAX_ATTRIBUTES} properties at once."])
    if any(len(name) > MAX_VALUE or "\0" in name for name in names):
        raise ParameterError(["A property's name is too long or holds characters that no text has."])
    field = _Values()
    try:
        return {name.removeprefix(ATTRIBUTE): field.to_python(params.getlist(name)) for name in names}
    except forms.ValidationError as error:
        raise ParameterError(error.messages) from None
