"""How many products a second go from the outbox to points, in one run with the bare encoders and the obvious loop.

- ours: `search.index.drain`, from a claimed outbox entry to an acknowledged point, database and vector store included;
- floor: the encoders alone over the same texts and pictures, decoded already, in batches as large as a drain's;
- peer: the obvious loop, one product at a time: document, vectors, upsert.

Ours and the floor take turns on parts of the catalogue, so that a machine that is busy for a while is so for both. The
turns would each start the store's own optimising, which waits for a pause of the writer: a whole import has one pause,
at its end. So each turn waits until the store has settled, and its optimising is in neither figure. The
products lie in a shop of their own that is thrown away.
"""

import json
import random
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from search.evaluation.workspace import workspace

ROUNDS = 4
PEER_PRODUCTS = 200
PAUSE_SECONDS = 4.0  # longer than the store waits after a write before it optimises
WORDS = (
    "oak",
    "steel",
    "red",
    "blue",
    "folding",
    "wireless",
    "small",
    "outdoor",
    "lamp",
    "chair",
    "mug",
    "cable",
    "tent",
)


def run(size: int, directory: Path | None = None) -> dict[str, Any]:
    """Products per second over ``size`` made-up products, or over the catalogue in ``directory``."""
    with workspace() as shop:
        shop.manage("migrate", "--verbosity", "0")
        if directory is not None:
            shop.manage("import_catalog", str(directory), "--json", capture=True)
        told = shop.manage(
            "shell", "--no-imports", "-c", f"import benchmarks.index as b; b.measure({size})", capture=True
        )
    result: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
    return result


def measure(size: int) -> None:
    """Measure in the shop that the settings point at, filling it if it is empty, and print one JSON object."""
    from catalog.models import OutboxEntry, Product
    from search.documents import build_documents, products_for_indexing
    from search.encoders.registry import get_encoder
    from search.index import filling
    from search.index.client import get_client
    from search.models import IndexCollection

    if not Product.objects.exists():
        _fill(size)
    OutboxEntry.objects.all().delete()
    collection = filling.ensure_current().name
    # Else the drains would fill it on their own with what is measured below.
    IndexCollection.objects.update(state=IndexCollection.State.LIVE)
    text_encoder, image_encoder = get_encoder("text"), get_encoder("image")
    text_encoder.encode_text([" ".join(WORDS)] * 64)
    ids = list(Product.objects.filter(status=Product.Status.PUBLISHED).order_by("id").values_list("id", flat=True))
    chance = random.Random(3)  # noqa: S311  not a secret
    chance.shuffle(ids)

    alone, rest = ids[: min(PEER_PRODUCTS, len(ids) // 4)], ids[min(PEER_PRODUCTS, len(ids) // 4) :]
    ours = floor = 0.0
    pictures = 0
    for number in range(ROUNDS):
        part = rest[number::ROUNDS]
        if number % 2:
            ours += _seconds_of_drain(part)
            _settle(collection)
        seconds, seen = _seconds_of_encoders(part)
        floor, pictures = floor + seconds, pictures + seen
        if not number % 2:
            ours += _seconds_of_drain(part)
            _settle(collection)
    started = time.perf_counter()
    for product in alone:
        (document,) = build_documents(products_for_indexing([product]))
        get_client().upsert(collection, [_point(document, text_encoder, image_encoder)], wait=True)
    peer = time.perf_counter() - started
    per_second = {"ours": len(rest) / ours, "floor": len(rest) / floor, "peer": len(alone) / peer}
    result = per_second | {
        "ratio_to_floor": per_second["ours"] / per_second["floor"],
        "ratio_to_peer": per_second["ours"] / per_second["peer"],
        "products": len(rest),
        "pictures": pictures,
        "unit": "products per second",
        "what_ours": "from a claimed outbox entry to an acknowledged point",
        "what_floor": "the encoders alone over the same texts and decoded pictures, in batches as large",
        "what_peer": "one product at a time: document, vectors, upsert",
    }
    print(json.dumps(result))


def _seconds_of_drain(ids: Sequence[int]) -> float:
    from catalog.models import OutboxEntry
    from search.index.drain import drain

    OutboxEntry.add(ids)
    started = time.perf_counter()
    report = drain()
    seconds = time.perf_counter() - started
    if (report.done, report.failed) != (len(ids), 0):
        raise RuntimeError(f"Only {report.done} of {len(ids)} products were indexed: {report.reason}")
    return seconds


def _settle(collection: str) -> None:
    """Return when the store has nothing left to optimise."""
    from qdrant_client.models import CollectionStatus

    from search.index.client import get_client

    time.sleep(PAUSE_SECONDS)
    while get_client().get_collection(collection).status != CollectionStatus.GREEN:
        time.sleep(0.5)


def _seconds_of_encoders(ids: Sequence[int]) -> tuple[float, int]:
    """Seconds, and the number of pictures."""
    from django.conf import settings

    from catalog.models import Picture
    from catalog.pictures import open_for_encoding
    from search.documents import build_documents, products_for_indexing
    from search.encoders.registry import get_encoder
    from search.index.batch import PICTURE_SIDE, PICTURES_AT_ONCE

    documents = build_documents(products_for_indexing(ids))
    texts = list(dict.fromkeys(document.text for document in documents))
    files = {sha256: id for document in documents for id, sha256 in document.picture_keys}
    seconds = 0.0
    for portion in _portions(texts, settings.OUTBOX_BATCH):
        started = time.perf_counter()
        get_encoder("text").encode_text(portion)
        seconds += time.perf_counter() - started
    for keys in _portions(list(files.values()), PICTURES_AT_ONCE):
        images = [open_for_encoding(picture, PICTURE_SIDE) for picture in Picture.objects.filter(id__in=keys)]
        started = time.perf_counter()
        get_encoder("image").encode_images(images)
        seconds += time.perf_counter() - started
    return seconds, len(files)


def _portions(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _point(document: Any, text_encoder: Any, image_encoder: Any) -> Any:
    from qdrant_client import models

    from catalog.models import Picture
    from catalog.pictures import open_for_encoding

    indices, values = document.terms
    vectors: dict[str, Any] = {
        "text": text_encoder.encode_text([document.text])[0].tolist(),
        "terms": models.SparseVector(indices=indices, values=values),
    }
    if document.picture_keys:
        pictures = Picture.objects.filter(id__in=[id for id, _ in document.picture_keys]).order_by("position")
        vectors["image"] = image_encoder.encode_images([open_for_encoding(each) for each in pictures]).tolist()
    return models.PointStruct(id=document.product_id, vector=vectors, payload=document.payload)


def _fill(size: int) -> None:
    """Products with texts as long as real ones; one in four has a picture."""
    import io

    from PIL import Image

    from catalog.models import Product
    from catalog.pictures import add_picture

    chance = random.Random(7)  # noqa: S311  not a secret
    Product.objects.bulk_create(
        Product(
            sku=f"B-{number}",
            slug=f"b-{number}",
            title=f"{' '.join(chance.choices(WORDS, k=8))} {number}",
            description=" ".join(chance.choices(WORDS, k=chance.randint(10, 60))),
            attributes={word: chance.choice(WORDS) for word in chance.sample(WORDS, 6)},
            price=number % 500 + 1,
            status=Product.Status.PUBLISHED,
        )
        for number in range(size)
    )
    for product in Product.objects.order_by("id")[::4]:
        colours = [tuple(chance.randrange(256) for _ in range(3)) for _ in range(16)]
        image = Image.new("RGB", (4, 4))
        image.putdata(colours)
        file = io.BytesIO()
        image.resize((400, 400)).save(file, "JPEG")
        add_picture(product, file.getvalue())
