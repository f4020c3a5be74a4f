"""Item vectors in the vector store: a collection per model version, behind an alias, in step with the catalogue.

A point's id is its product's id. Its vector is the model's own for a product that the model was trained on, and made
from text, pictures, brand, store and categories for one that came later. The score is the inner product.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from django.conf import settings
from qdrant_client import models

from catalog.models import Product
from catalog.per_shop import named
from recommend.models.base import Scores
from recommend.training import live as loading
from recommend.training.features import described
from recommend.training.live import Live
from search.documents import PAYLOAD_INDEXES, Description
from search.index.client import SHOP, get_client, nearest_points, shop_payload
from search.index.companions import Standing
from search.index.compare import batched, compare, in_products
from search.index.errors import VectorStoreError
from search.index.schema import storage

# Of `search.documents`' payload: what candidates are filtered by.
FILTERED = ("in_stock", "department", "categories", "brand", "store", "price", "released", "family", "tags")
CONFLICT, GONE = 409, 404
AT_ONCE = 500  # points in a request
PASSES = 20  # comparisons until a collection must be level; each but the first mends what changed meanwhile
DIGITS = 6  # of a vector's numbers in JSON


def alias() -> str:
    """The alias of the current shop's item vectors; its collections begin with it."""
    return named(settings.QDRANT_BEHAVIOUR_ALIAS)


def collection_of(version: int) -> str:
    return f"{alias()}-{version}"


def nearest(
    user_vector: Scores, *, filter: models.Filter | None, limit: int, version: int | None = None
) -> list[tuple[int, float]]:
    """Return (product id, inner product) of the best products for a user's vector (dim,), best first.

    `version` is that of the model which made the vector: another one's vectors mean something else. Without it, the one
    behind the alias is asked. Raises VectorStoreError, with status 404 where that version has no collection.
    """
    return nearest_points(_name(version), _numbers(user_vector), filter=filter, limit=limit)


def vectors_of(product_ids: Iterable[int], version: int | None = None) -> dict[int, Scores]:
    """Return the vectors (dim,) of the products among `product_ids` that have a point. Raises as `nearest`."""
    vectors: dict[int, Scores] = {}
    for ids in batched(dict.fromkeys(map(int, product_ids)), AT_ONCE):
        for record in get_client().retrieve(_name(version), ids, with_payload=False, with_vectors=True):
            vectors[int(record.id)] = np.asarray(record.vector, np.float32)
    return vectors


def _name(version: int | None) -> str:
    return alias() if version is None else collection_of(version)


def create(version: int, dim: int) -> None:
    """Make a version's collection with its payload indexes; one that is there already is left as it is."""
    client, name = get_client(), collection_of(version)
    on_disk = settings.QDRANT_COLLECTION_OPTIONS["on_disk"]
    try:
        client.create_collection(
            name,
            vectors_config=models.VectorParams(size=dim, distance=models.Distance.DOT, on_disk=on_disk),
            **storage(),
            metadata={"model_version": version},
        )
    except VectorStoreError as error:
        if error.status != CONFLICT and not client.collection_exists(name):
            raise
    for field in FILTERED:
        client.create_payload_index(name, field, models.PayloadSchemaType(PAYLOAD_INDEXES[field]))
    if shop_payload():
        client.create_payload_index(name, SHOP, models.PayloadSchemaType.INTEGER)


def write(live: Live, entries: Sequence[Description]) -> None:
    """Bring the points of products level with their rows, in the collection of `live`."""
    for part in batched(entries, AT_ONCE):
        points = [
            models.PointStruct(id=entry.product_id, vector=_numbers(vector), payload=_payload(entry))
            for entry, vector in zip(part, item_vectors(live, part), strict=True)
        ]
        get_client().upsert(collection_of(live.version), points, wait=True)


def remove(live: Live, product_ids: Iterable[int]) -> None:
    for ids in batched(sorted(product_ids), AT_ONCE):
        get_client().delete(collection_of(live.version), models.PointIdsList(points=list(ids)), wait=True)


def item_vectors(live: Live, entries: Sequence[Description]) -> Scores:
    """Return (entries, dim): the trained vectors, and vectors made from content for products that came later."""
    assert live.vectors is not None  # noqa: S101  (callers ask first: a model without vectors has no collection)
    out = np.zeros((len(entries), live.vectors.dim), np.float32)
    rows = np.array([live.rows.get(entry.product_id, -1) for entry in entries], np.int64)
    out[rows >= 0] = live.item_vectors[rows[rows >= 0]]
    later = np.flatnonzero(rows < 0).tolist()
    if later:
        out[later] = live.vectors.content_vectors(live.features.items([entries[row] for row in later]))
    if not np.isfinite(out).all():
        raise ValueError(f"Model version {live.version} gave item vectors that are not finite.")
    return out


def bring_level(live: Live, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Make the collection of `live` if need be, and bring every point level; returns how many were written or removed.

    Changes of the catalogue may go on meanwhile, and reach the collection by `companion.follow`: a point that this
    function writes from a row which has changed since is found by the next comparison. The last one finds nothing.
    """
    assert live.vectors is not None  # noqa: S101  (as above)
    name, changed, hopeless = collection_of(live.version), 0, set[int]()
    create(live.version, live.vectors.dim)
    for _ in range(PASSES):
        verdicts = {id: verdict for id, verdict in compare(name, thorough=False) if verdict != "level"}
        differing = [id for id, verdict in verdicts.items() if verdict != "orphaned" and id not in hopeless]
        orphans = [id for id, verdict in verdicts.items() if verdict == "orphaned"]
        if not differing and not orphans:
            return changed
        remove(live, orphans)
        written: set[int] = set()
        for entries in described(differing, published=True):
            write(live, entries)
            written |= {entry.product_id for entry in entries}
            progress(len(written), len(differing))
        changed += len(written) + len(orphans)
        hopeless |= set(differing) - written  # cannot be described, or went away meanwhile
    raise VectorStoreError(f"The catalogue changes faster than {name} can be filled.", permanent=False)


def compare_live() -> Standing | None:
    """Compare the live model's points with the database; None where no model is live, or one without vectors."""
    model = loading.live()
    if model is None or model.vectors is None:
        return None
    name = collection_of(model.version)
    if not exists(model.version):
        products = Product.objects.filter(status=Product.Status.PUBLISHED).count()
        return Standing(name, products, 0, missing=products, stale=0, orphaned=0)
    counts = Counter(verdict for _, verdict in compare(name, thorough=False))
    return Standing(name, **in_products(counts))


def move_alias(version: int) -> None:
    """In one request, which Qdrant carries out as a whole: there is no moment without the alias."""
    own = alias()
    steps: list[models.AliasOperations] = []
    if alias_target() is not None:
        steps.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=own)))
    create = models.CreateAlias(collection_name=collection_of(version), alias_name=own)
    get_client().update_collection_aliases([*steps, models.CreateAliasOperation(create_alias=create)])


def remove_alias() -> None:
    """For a model without item vectors: nobody is to ask the ones of another."""
    if alias_target() is not None:
        gone = models.DeleteAlias(alias_name=alias())
        get_client().update_collection_aliases([models.DeleteAliasOperation(delete_alias=gone)])


def exists(version: int) -> bool:
    return get_client().collection_exists(collection_of(version))


def alias_target() -> str | None:
    """The name of the collection behind the alias, from the store itself."""
    aliases, own = get_client().get_aliases().aliases, alias()
    return next((each.collection_name for each in aliases if each.alias_name == own), None)


def drop(version: int) -> None:
    """Without harm where there is none."""
    get_client().delete_collection(collection_of(version))


def _payload(entry: Description) -> dict[str, Any]:
    return {
        **{name: entry.payload[name] for name in FILTERED if name in entry.payload},
        "version": entry.version,
        **shop_payload(),
    }


def _numbers(vector: Scores) -> list[float]:
    return np.round(np.asarray(vector, np.float64), DIGITS).tolist()
