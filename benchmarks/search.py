"""How long a hybrid search takes through the whole application, in one run with the bare engine and a peer.

- ours: `search.query.search` for a page of 24: codes, floor, fusion, products read from the database;
- floor: the same text and words as one batch for the same number of candidates through qdrant-client, ids alone;
- peer: the usual recipe on qdrant-client's local mode, prefetches of text and words fused by reciprocal ranks.

All three are given query vectors that are encoded already; `encode` says what encoding one adds for a query that nobody
has asked before. The products lie in a shop of their own that is thrown away.
"""

import json
import random
import time
import warnings
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from search.evaluation.workspace import workspace

QUERIES, ROUNDS, HITS = 30, 3, 24
NOUNS = (
    "lamp",
    "chair",
    "table",
    "mug",
    "bottle",
    "laptop",
    "cable",
    "mouse",
    "jacket",
    "boot",
    "tent",
    "kettle",
    "rug",
)
KINDS = ("oak", "steel", "red", "blue", "green", "black", "folding", "wireless", "small", "large", "light", "outdoor")


def run(size: int) -> dict[str, Any]:
    """Median milliseconds of one query over ``size`` products."""
    with workspace() as shop:
        shop.manage("migrate", "--verbosity", "0")
        told = shop.manage(
            "shell", "--no-imports", "-c", f"import benchmarks.search as b; b.measure({size})", capture=True
        )
    result: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
    return result


def measure(size: int) -> None:
    """Fill the shop that the settings point at, measure, and print one JSON object."""
    from qdrant_client import QdrantClient, models

    from search.encoders.registry import encoder_for
    from search.index.client import get_client
    from search.index.live import live_collection
    from search.index.schema import TERMS, TEXT
    from search.query import SearchRequest, search
    from search.query.floor import nearness
    from search.query.retrieve import CANDIDATES
    from search.query.understand import encode_words
    from search.terms import query_terms

    _fill(size)
    live = live_collection()
    chance = random.Random(11)  # noqa: S311  not a secret
    asked = [f"{chance.choice(KINDS)} {chance.choice(NOUNS)} {number}" for number in range(QUERIES)]
    encoder = encoder_for(live.text_spec)
    encoder.encode_text(["warm"], query=True)
    encoding = _milliseconds(asked, lambda q: encoder.encode_text([q], query=True))
    texts = {q: encode_words(live.text_spec, q).tolist() for q in asked}
    words = {q: models.SparseVector(indices=i, values=v) for q in asked for i, v in [query_terms(q, "en")]}
    low = nearness(live.text_spec).low

    def bare(q: str) -> Any:
        requests = [
            models.QueryRequest(query=words[q], using=TERMS, limit=CANDIDATES),
            models.QueryRequest(query=texts[q], using=TEXT, limit=CANDIDATES, score_threshold=low),
        ]
        return get_client().query_batch_points(live.name, requests)

    warnings.filterwarnings("ignore", module="qdrant_client")  # local mode advises against this size
    local = QdrantClient(":memory:")
    local.create_collection(
        "peer",
        vectors_config={TEXT: models.VectorParams(size=encoder.dim, distance=models.Distance.COSINE)},
        sparse_vectors_config={TERMS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    following: Any = None
    while True:
        points, following = get_client().scroll(live.name, limit=500, offset=following, with_vectors=[TEXT, TERMS])
        local.upsert("peer", [models.PointStruct(id=p.id, vector=p.vector, payload=p.payload) for p in points])  # type: ignore[arg-type]
        if following is None:
            break

    def recipe(q: str) -> Any:
        parts = [
            models.Prefetch(query=words[q], using=TERMS, limit=100),
            models.Prefetch(query=texts[q], using=TEXT, limit=100),
        ]
        return local.query_points(
            "peer", prefetch=parts, query=models.FusionQuery(fusion=models.Fusion.RRF), limit=HITS
        )

    ours, floor, peer = _in_turns(asked, lambda q: search(SearchRequest(q=q, facets=(), page_size=HITS)), bare, recipe)
    result = {
        "ours": ours,
        "floor": floor,
        "peer": peer,
        "ratio_to_floor": ours / floor,
        "ratio_to_peer": ours / peer,
        "encode": encoding,
        "with_facets": _milliseconds(asked, lambda q: search(SearchRequest(q=q, page_size=HITS))),
        "unit": "milliseconds, median",
        "what_ours": "the whole search, products read from the database, one page of 24",
        "what_floor": "its two vector queries as one batch through qdrant-client, ids alone",
        "what_peer": "prefetch and RRF on qdrant-client's local mode, payloads read",
    }
    print(json.dumps(result))


def _fill(size: int) -> None:
    from django.utils import timezone

    from catalog.models import OutboxEntry, Product
    from search.index import filling
    from search.index.drain import drain

    chance = random.Random(5)  # noqa: S311 - not a secret
    products = [
        Product(
            sku=f"B-{number}", slug=f"b-{number}", price=chance.randint(1, 500), stock=1, status="published",
            title=f"{' '.join(chance.sample(KINDS, 2))} {chance.choice(NOUNS)} {number}", published_at=timezone.now(),
            attributes={"colour": chance.choice(KINDS), "material": chance.choice(KINDS)},
        )
        for number in range(size)
    ]  # fmt: skip
    Product.objects.bulk_create(products, batch_size=500)
    OutboxEntry.add(product.pk for product in products)
    filling.ensure_current()
    drain()


def _in_turns(asked: Sequence[str], *work: Callable[[str], Any]) -> list[float]:
    """The best of some rounds for each, taken in turns, so that a slow spell of the machine meets all of them."""
    rounds = [[_milliseconds(asked, each) for each in work] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds, strict=True)]


def _milliseconds(asked: Sequence[str], work: Callable[[str], Any]) -> float:
    seconds = []
    for q in asked:
        started = time.perf_counter()
        work(q)
        seconds.append(time.perf_counter() - started)
    return round(median(seconds) * 1000, 3)
