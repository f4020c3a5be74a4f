"""What the index holds of a product: the text that BERT reads, its terms, its pictures, and what is filtered on."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from catalog.models import Category, Picture, Product
from search.terms import Sparse, document_terms

# What is filtered or counted, and how Qdrant indexes it.
PAYLOAD_INDEXES = {
    "sku": "keyword",
    "family": "keyword",
    "brand": "keyword",
    "store": "keyword",
    "categories": "keyword",
    "department": "keyword",
    "tags": "keyword",
    "price": "float",
    "in_stock": "bool",
    "released": "datetime",
    # Name and value of every attribute in one field: names are the catalogue's own and too many for an index each.
    "attribute_values": "keyword",
}
ATTRIBUTE_SEPARATOR = "\x1f"  # cleaned texts hold no control characters
# The attributes that say what a product is, and not what it is like.
KIND_ATTRIBUTES = {"type", "product_type", "kind", "product type"}
# Longer values are prose: nobody picks them from a list, and they stay searchable as text.
MAX_ATTRIBUTE_VALUE = 100
DESCRIPTION_CHARACTERS = 300  # of the text that BERT reads; its window ends at 256 word pieces


@dataclass(frozen=True)
class Description:
    """What encoders see of a product, and what it is filtered by."""

    product_id: int
    version: int
    text: str
    picture_keys: list[tuple[int, str]]  # (picture id, SHA-256 of its file), in the shop's order
    payload: dict[str, Any]  # JSON


@dataclass(frozen=True)
class Document(Description):
    """One product as the index will hold it. `fingerprint` changes when, and only when, anything of it does."""

    terms: Sparse
    fingerprint: str  # SHA-256


def products_for_indexing(ids: Iterable[int]) -> QuerySet[Product]:
    """The published products among `ids`, with all that a document needs, in a constant number of queries."""
    return with_described_parts(
        Product.objects.filter(id__in=list(ids), status=Product.Status.PUBLISHED)
    ).prefetch_related("codes")


def with_described_parts(products: QuerySet[Product]) -> QuerySet[Product]:
    """Load what `describe` reads."""
    return products.select_related("category", "brand", "store").prefetch_related(
        "tags", "variants", Prefetch("pictures", Picture.objects.order_by("position", "id"))
    )


def build_documents(products: Iterable[Product]) -> list[Document]:
    """Documents in the order of `products`, which should come from `products_for_indexing`."""
    products = list(products)
    lines = _ancestry(product.category for product in products if product.category)
    return [_document(product, lines.get(product.category_id or 0, [])) for product in products]


def describe(products: Iterable[Product]) -> list[Description]:
    """Documents without what costs time (terms, fingerprint), for readers of many products. As `build_documents`."""
    products = list(products)
    lines = _ancestry(product.category for product in products if product.category)
    return [_description(product, lines.get(product.category_id or 0, [])) for product in products]


def attribute_values(attributes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, value) pairs as people read them: 16.0 is "16", true is "yes"; nested objects are left out."""
    for name, value in attributes.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool):
                yield name, "yes" if each else "no"
            elif isinstance(each, (int, float)):
                yield name, f"{each:.12g}"
            elif isinstance(each, str) and each.strip():
                yield name, each.strip()


def attribute_key(name: str, value: str) -> str:
    """The payload's `attribute_values` entry for one attribute with one value."""
    return f"{name}{ATTRIBUTE_SEPARATOR}{value}"


def _ancestry(categories: Iterable[Category]) -> dict[int, list[Category]]:
    """Category id -> its line from the root to itself, in one query."""
    step = Category.steplen
    leaves = {category.id: category.path for category in categories}
    prefixes = {path[:end] for path in leaves.values() for end in range(step, len(path) + 1, step)}
    by_path = {category.path: category for category in Category.objects.filter(path__in=prefixes)}
    return {
        id: [by_path[path[:end]] for end in range(step, len(path) + 1, step) if path[:end] in by_path]
        for id, path in leaves.items()
    }


def _document(product: Product, line: Sequence[Category]) -> Document:
    told, terms = _description(product, line), _terms(product, line)
    content = json.dumps([told.text, terms, told.picture_keys, told.payload], sort_keys=True, ensure_ascii=False)
    fingerprint = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    return Document(told.product_id, told.version, told.text, told.picture_keys, told.payload, terms, fingerprint)


def _description(product: Product, line: Sequence[Category]) -> Description:
    pictures = [(picture.id, picture.sha256) for picture in product.pictures.all()]
    return Description(product.id, product.version, embedded_text(product), pictures, _payload(product, line))


def embedded_text(product: Product) -> str:
    """What the text encoder reads."""
    parts = [product.title]
    if product.brand and product.brand.name.casefold() not in product.title.casefold():
        parts.append(product.brand.name)
    if product.category:
        parts.append(product.category.name)
    if product.description and product.description.casefold() not in product.title.casefold():
        parts.append(product.description[:DESCRIPTION_CHARACTERS])
    return ". ".join(part.strip() for part in parts if part.strip())


def _terms(product: Product, line: Sequence[Category]) -> Sparse:
    own = settings.LANGUAGE_CODE
    kinds: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for name, value in attribute_values(product.attributes):
        if value.replace(".", "").isdigit() or value in ("yes", "no"):
            continue  # a bare number says nothing without its name, and "yes" is everywhere
        (kinds if name.casefold() in KIND_ATTRIBUTES else others).append((value, own))
    translated = [
        (str(text), language)
        for language, texts in [*product.translations.items(), *(pair for c in line for pair in c.translations.items())]
        if isinstance(texts, dict)
        for text in texts.values()
    ]
    return document_terms(
        {
            "title": [(product.title, own)],
            "codes": [(code.value, own) for code in product.codes.all() if _is_code(code.value)],
            "brand": [(product.brand.name, own)] if product.brand else [],
            "category": [(category.name, own) for category in line],
            "kind": kinds,
            "attributes": others,
            "translations": translated,
            "description": [(product.description, own)],
        },
        own,
    )


def _is_code(value: str) -> bool:
    """Some catalogues repeat the title as the model number; as a code it would count the title's words twice."""
    return " " not in value and any(character.isdigit() for character in value)


def _payload(product: Product, line: Sequence[Category]) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "sku": product.sku,
        "family": product.family,
        "brand": product.brand.slug if product.brand else None,
        "store": product.store.slug if product.store else None,
        "categories": [category.slug for category in line],
        "department": line[0].slug if line else None,
        "tags": sorted(tag.slug for tag in product.tags.all()),
        "price": float(product.price) if product.price is not None else None,
        "in_stock": product.stock > 0 or any(variant.stock > 0 for variant in product.variants.all()),
        "released": product.released.strftime("%Y-%m-%dT00:00:00Z") if product.released else None,
        "attribute_values": [
            attribute_key(name, value)
            for name, value in attribute_values(product.attributes)
            if len(value) <= MAX_ATTRIBUTE_VALUE
        ],
    }
    return {name: value for name, value in payload.items() if value not in (None, "", [], {})}
