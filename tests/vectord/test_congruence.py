"""The same call on vectord and on qdrant-client's local mode gives the same answer, and each exchange with vectord is
as Qdrant's OpenAPI description has it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from tests.vectord import catalogue, openapi
from tests.vectord.catalogue import NAME, assert_same, comparable, identity, look, terms, text

Call = Callable[[QdrantClient], Any]


@pytest.fixture(scope="module")
def pair(vectord_server: Any) -> Iterator[tuple[QdrantClient, QdrantClient]]:
    ours = vectord_server.client(event_hooks=openapi.event_hooks())
    theirs = QdrantClient(":memory:")
    for client in (ours, theirs):
        catalogue.fill(client)
        catalogue.fill(client, "other")
    yield ours, theirs
    for name in (NAME, "other"):
        ours.delete_collection(name)
    ours.close()
    theirs.close()


def field(key: str, **parts: Any) -> m.FieldCondition:
    return m.FieldCondition(key=key, **parts)


def value(key: str, wanted: Any) -> m.FieldCondition:
    return field(key, match=m.MatchValue(value=wanted))


def must(*conditions: Any) -> m.Filter:
    return m.Filter(must=list(conditions))


def query(*arguments: Any, **options: Any) -> Call:
    options.setdefault("limit", 12)
    return lambda client: client.query_points(NAME, *arguments, **options)


def filtered(only: m.Filter) -> Call:
    """All points that a filter lets through, by id."""
    return lambda client: client.scroll(NAME, scroll_filter=only, limit=1000, with_payload=False)[0]


def prefetch(**options: Any) -> m.Prefetch:
    options.setdefault("limit", 30)
    return m.Prefetch(**options)


TEXT_HITS = prefetch(query=text(3), using="text")
LOOK_HITS = prefetch(query=look(4), using="look")
TERM_HITS = prefetch(query=terms(5), using="terms")
THREE = [TEXT_HITS, LOOK_HITS, TERM_HITS]
# For groups the server enlarges prefetches by the group size and local mode without bound: here both take all.
ALL = [one.model_copy(update={"limit": catalogue.SIZE}) for one in THREE]
RRF, DBSF = m.FusionQuery(fusion=m.Fusion.RRF), m.FusionQuery(fusion=m.Fusion.DBSF)
# Plain RRF gives equal scores to equal ranks, and which of two equal hits a limit cuts off is nobody's promise.
UNTIED = m.RrfQuery(rrf=m.Rrf(weights=[1.0, 0.71, 0.43]))
MILAN = m.GeoPoint(lon=9.19, lat=45.46)
PAIR = m.ContextPair(positive=text(10), negative=text(11))


def recommend(strategy: m.RecommendStrategy | None, positive: list[Any], negative: list[Any], using: str) -> Call:
    return query(
        m.RecommendQuery(recommend=m.RecommendInput(positive=positive, negative=negative, strategy=strategy)),
        using=using,
    )


def formula(expression: Any, defaults: dict[str, Any] | None = None, **options: Any) -> Call:
    return query(m.FormulaQuery(formula=expression, defaults=defaults or {}), prefetch=TEXT_HITS, **options)


def decay(kind: type, name: str) -> Any:
    params = m.DecayParamsExpression(x="price", target=20.0, scale=8.0, midpoint=0.4)
    return m.MultExpression(mult=["$score", kind(**{name: params})])


BEST, SUMS, MEAN = m.RecommendStrategy.BEST_SCORE, m.RecommendStrategy.SUM_SCORES, m.RecommendStrategy.AVERAGE_VECTOR

QUERIES: dict[str, Call] = {
    "dense": query(text(1), using="text"),
    "dense with payload and vectors": query(text(1), using="text", with_payload=True, with_vectors=True),
    "dense, Euclid": query([0.1, 0.2, 0.3, 0.4], using="room"),
    "dense, some vectors": query(text(1), using="text", with_vectors=["text", "terms"]),
    "payload of some keys": query(text(1), using="text", with_payload=["sku", "brand.name"]),
    "payload without some keys": query(
        text(1), using="text", with_payload=m.PayloadSelectorExclude(exclude=["variants", "place"])
    ),
    "offset": query(text(1), using="text", offset=7),
    "offset beyond the end": query(text(1), using="text", offset=5000),
    "limit beyond the end": query(text(1), using="text", limit=5000),
    "threshold": query(text(1), using="text", score_threshold=0.3, limit=100),
    "threshold, Euclid": query([0.1, 0.2, 0.3, 0.4], using="room", score_threshold=1.2, limit=100),
    "exact": query(text(1), using="text", search_params=m.SearchParams(exact=True)),
    "hnsw_ef": query(text(1), using="text", search_params=m.SearchParams(hnsw_ef=200)),
    "multivector": query(look(2), using="look"),
    "multivector by a single vector": query([look(2)[0]], using="look"),
    "sparse with IDF": query(terms(8), using="terms"),
    "sparse with IDF, unsorted indices": query(
        m.SparseVector(indices=[40, 2, 17], values=[0.5, 1.0, 0.25]), using="terms"
    ),
    "sparse, unknown terms": query(m.SparseVector(indices=[4000], values=[1.0]), using="terms"),
    "point id": query(5, using="text"),
    "point id, multivector": query(5, using="look"),
    "point id, sparse": query(5, using="terms"),
    "uuid": query(identity(260), using="text"),
    "point id looked up elsewhere": query(5, using="text", lookup_from=m.LookupLocation(collection="other")),
    "filtered": query(text(1), using="text", query_filter=must(value("colour", "red"))),
    "no query": query(limit=20),
    "no query, filtered": query(query_filter=must(value("on_sale", True)), limit=20),
    "recommend, mean": recommend(MEAN, [1, text(2)], [3], "text"),
    "recommend, mean, positives only": recommend(None, [1, 2], [], "text"),
    "recommend, mean, sparse": recommend(MEAN, [1, 2], [3], "terms"),
    "recommend, mean, multivector": recommend(MEAN, [1, 2], [4], "look"),
    "recommend, best score": recommend(BEST, [1, 2], [3], "text"),
    "recommend, best score, negatives only": recommend(BEST, [], [3], "text"),
    "recommend, sum of scores": recommend(SUMS, [1, text(2)], [identity(270)], "text"),
    "discover": query(m.DiscoverQuery(discover=m.DiscoverInput(target=text(1), context=[PAIR])), using="text"),
    "discover by ids": query(
        m.DiscoverQuery(
            discover=m.DiscoverInput(
                target=1, context=[m.ContextPair(positive=2, negative=3), m.ContextPair(positive=4, negative=5)]
            )
        ),
        using="text",
    ),
    "context": query(m.ContextQuery(context=[PAIR]), using="text", limit=1000),
    "RRF": query(RRF, prefetch=THREE, limit=200),
    "RRF, filtered": query(UNTIED, prefetch=THREE, query_filter=must(value("on_sale", True))),
    "RRF, k and weights": query(m.RrfQuery(rrf=m.Rrf(k=60, weights=[3.0, 1.0, 0.5])), prefetch=THREE),
    "DBSF": query(DBSF, prefetch=[TEXT_HITS, LOOK_HITS]),
    "prefetch, rescored": query(text(6), using="text", prefetch=TERM_HITS),
    "prefetch, filtered": query(
        RRF, prefetch=[prefetch(query=text(3), using="text", filter=must(value("colour", "blue"))), LOOK_HITS]
    ),
    "prefetch with threshold": query(RRF, prefetch=[prefetch(query=text(3), using="text", score_threshold=0.2)]),
    "prefetch by id": query(RRF, prefetch=[prefetch(query=9, using="text"), prefetch(query=9, using="terms")]),
    "prefetch in prefetch": query(
        look(6), using="look", prefetch=[prefetch(query=RRF, prefetch=THREE, limit=20), TERM_HITS]
    ),
    "prefetch of all that a filter lets through": query(
        text(2), using="text", prefetch=prefetch(filter=must(value("colour", "red")), limit=500)
    ),
    "formula, boost": formula(m.SumExpression(sum=["$score", m.MultExpression(mult=[0.5, value("on_sale", True)])])),
    "formula, payload": formula(m.MultExpression(mult=["$score", "price"])),
    "formula, default": formula(m.SumExpression(sum=["$score", "rank"]), {"rank": 2.5}),
    "formula, two prefetches": query(
        m.FormulaQuery(
            formula=m.SumExpression(sum=["$score[0]", m.MultExpression(mult=[0.3, "$score[1]"])]),
            defaults={"$score[0]": 0.0, "$score[1]": 0.0},
        ),
        prefetch=[TEXT_HITS, LOOK_HITS],
    ),
    "formula, linear decay": formula(decay(m.LinDecayExpression, "lin_decay")),
    "formula, exponential decay": formula(decay(m.ExpDecayExpression, "exp_decay")),
    "formula, Gaussian decay": formula(decay(m.GaussDecayExpression, "gauss_decay")),
    "formula, geo distance": formula(
        m.NegExpression(neg=m.GeoDistance(geo_distance=m.GeoDistanceParams(origin=MILAN, to="place")))
    ),
    "formula, arithmetic": formula(
        m.DivExpression(
            div=m.DivParams(
                left=m.SqrtExpression(sqrt=m.AbsExpression(abs="$score")),
                right=m.PowExpression(pow=m.PowParams(base=2.0, exponent="stock")),
                by_zero_default=0.0,
            )
        )
    ),
    "formula, logarithms": formula(
        m.SumExpression(
            sum=[
                m.LnExpression(ln="price"),
                m.Log10Expression(log10="price"),
                m.ExpExpression(exp="$score"),
            ]
        )
    ),
    "formula, time": formula(
        m.ExpDecayExpression(
            exp_decay=m.DecayParamsExpression(
                x=m.DatetimeKeyExpression(datetime_key="listed"),
                target=m.DatetimeExpression(datetime="2024-06-01T00:00:00Z"),
                scale=86400.0 * 30,
            )
        )
    ),
    "formula, threshold": formula(m.MultExpression(mult=["$score", 2.0]), score_threshold=0.9),
    "order by integer": lambda client: _ordered(client, "stock", m.Direction.ASC),
    "order by float": lambda client: _ordered(client, "price", m.Direction.DESC),
    "MMR": query(m.NearestQuery(nearest=text(1), mmr=m.Mmr(diversity=0.4, candidates_limit=40)), using="text", limit=8),
    "MMR by id": query(m.NearestQuery(nearest=1, mmr=m.Mmr(diversity=0.9, candidates_limit=40)), using="text", limit=8),
    "batch": lambda client: client.query_batch_points(
        NAME,
        [
            m.QueryRequest(query=text(1), using="text", limit=3, with_payload=True),
            m.QueryRequest(query=terms(2), using="terms", limit=4, filter=must(value("colour", "red"))),
            m.QueryRequest(prefetch=THREE, query=UNTIED, limit=5),
        ],
    ),
    "groups": lambda client: client.query_points_groups(
        NAME, "colour", query=text(1), using="text", limit=3, group_size=4, with_payload=True
    ),
    "groups by a list": lambda client: client.query_points_groups(
        NAME, "tags", query=text(1), using="text", limit=20, group_size=2
    ),
    "groups by a nested key": lambda client: client.query_points_groups(
        NAME, "brand.name", query=text(1), using="text", limit=7, group_size=50, with_payload=["sku"]
    ),
    "groups by an integer, fused and filtered": lambda client: client.query_points_groups(
        NAME, "stock", prefetch=ALL, query=UNTIED, limit=4, group_size=2, query_filter=must(value("on_sale", False))
    ),
}


def _ordered(client: QdrantClient, key: str, direction: m.Direction) -> list[Any]:
    """Only the order and the values: which of two equal ones comes first is nobody's promise."""
    order = m.OrderBy(key=key, direction=direction)
    hits = client.query_points(NAME, query=m.OrderByQuery(order_by=order), limit=60, with_payload=[key]).points
    return [hit.payload for hit in hits]


FILTERS: dict[str, m.Filter] = {
    "keyword": must(value("colour", "red")),
    "integer": must(value("stock", 3)),
    "true": must(value("on_sale", True)),
    "false": must(value("on_sale", False)),
    "keyword in a list": must(value("tags", "t6")),
    "keyword without an index": must(value("sku", "A-0042")),
    "any": must(field("colour", match=m.MatchAny(any=["red", "blue"]))),
    "any of integers": must(field("stock", match=m.MatchAny(any=[1, 2, 16]))),
    "any of nothing": must(field("colour", match=m.MatchAny(any=[]))),
    "except": must(field("colour", match=m.MatchExcept(**{"except": ["red", "blue"]}))),
    "except, without an index": must(field("sku", match=m.MatchExcept(**{"except": ["A-0001"]}))),
    "text without an index": must(field("note", match=m.MatchText(text="plain"))),
    "range": must(field("price", range=m.Range(gte=10, lt=20.5))),
    "range without an index": must(field("brand.year", range=m.Range(gt=2000, lte=2010))),
    "datetime range": must(
        field(
            "listed", range=m.DatetimeRange(gte=datetime(2024, 3, 1, tzinfo=UTC), lt=datetime(2024, 7, 1, tzinfo=UTC))
        )
    ),
    "geo radius": must(field("place", geo_radius=m.GeoRadius(center=MILAN, radius=60_000))),
    "geo box": must(
        field(
            "place",
            geo_bounding_box=m.GeoBoundingBox(
                top_left=m.GeoPoint(lon=9.5, lat=47.0), bottom_right=m.GeoPoint(lon=11.0, lat=45.5)
            ),
        )
    ),
    "geo polygon": must(
        field(
            "place",
            geo_polygon=m.GeoPolygon(
                exterior=m.GeoLineString(
                    points=[
                        m.GeoPoint(lon=x, lat=y) for x, y in ((9.05, 45.05), (12.05, 45.05), (10.5, 48), (9.05, 45.05))
                    ]
                )
            ),
        )
    ),
    "values count": must(field("tags", values_count=m.ValuesCount(gte=2))),
    "values count, none": must(field("variants", values_count=m.ValuesCount(lt=1))),
    "is empty": must(m.IsEmptyCondition(is_empty=m.PayloadField(key="note"))),
    "is empty, list": must(m.IsEmptyCondition(is_empty=m.PayloadField(key="tags"))),
    "is null": must(m.IsNullCondition(is_null=m.PayloadField(key="note"))),
    "has id": must(m.HasIdCondition(has_id=[1, 2, 99999, identity(270)])),
    "has vector": must(m.HasVectorCondition(has_vector="look")),
    "nested": must(m.NestedCondition(nested=m.Nested(key="variants", filter=must(value("size", 1), value("left", 3))))),
    "nested key in a list": must(value("variants[].size", 2)),
    "should": m.Filter(should=[value("colour", "red"), value("stock", 5)]),
    "must not": m.Filter(must_not=[value("colour", "red"), field("price", range=m.Range(gt=20))]),
    "min should": m.Filter(
        min_should=m.MinShould(
            conditions=[value("colour", "red"), value("on_sale", True), field("price", range=m.Range(lt=15))],
            min_count=2,
        )
    ),
    "all four": m.Filter(
        must=[field("price", range=m.Range(gt=8))],
        should=[value("colour", "red"), value("colour", "black")],
        must_not=[value("stock", 4)],
        min_should=m.MinShould(conditions=[value("on_sale", True), value("tags", "t5")], min_count=1),
    ),
    "filter in filter": must(m.Filter(should=[value("stock", 1), must(value("stock", 2), value("on_sale", True))])),
    "one condition without a list": m.Filter(must=value("colour", "green")),
    "empty": m.Filter(),
}

READS: dict[str, Call] = {
    "retrieve": lambda client: client.retrieve(NAME, [7, identity(255), 3, 99999], with_vectors=True),
    "retrieve without payload": lambda client: client.retrieve(NAME, [7, 3], with_payload=False),
    "retrieve some": lambda client: client.retrieve(NAME, [7], with_payload=["sku"], with_vectors=["terms"]),
    "scroll": lambda client: client.scroll(NAME, limit=13),
    "scroll from an offset": lambda client: client.scroll(NAME, limit=13, offset=40, with_vectors=True),
    "scroll to the end": lambda client: client.scroll(NAME, limit=100, offset=identity(255)),
    "scroll, all pages": lambda client: _all_pages(client),
    "scroll in order": lambda client: [
        record.payload
        for record in client.scroll(NAME, limit=90, order_by=m.OrderBy(key="price"), with_payload=["price"])[0]
    ],
    "scroll in order of time": lambda client: [
        record.payload
        for record in client.scroll(
            NAME,
            limit=90,
            order_by=m.OrderBy(key="listed", direction=m.Direction.DESC, start_from="2024-05-05T00:00:00Z"),
            with_payload=["listed"],
        )[0]
    ],
    "count": lambda client: client.count(NAME),
    "count, filtered": lambda client: client.count(NAME, must(value("colour", "red"))),
    "facet of keywords": lambda client: _facet(client, "colour"),
    "facet of a list": lambda client: _facet(client, "tags"),
    "facet of integers": lambda client: _facet(client, "stock", limit=50),
    "facet of booleans": lambda client: _facet(client, "on_sale"),
    "facet, filtered": lambda client: _facet(client, "brand.name", facet_filter=must(value("on_sale", True))),
    "exists": lambda client: [client.collection_exists(NAME), client.collection_exists("nothing")],
}


def _all_pages(client: QdrantClient) -> list[Any]:
    pages, offset = [], None
    while True:
        records, offset = client.scroll(NAME, limit=37, offset=offset, with_payload=["sku"])
        pages.append(records)
        if offset is None:
            return pages


def _facet(client: QdrantClient, key: str, **options: Any) -> dict[Any, int]:
    return {str(hit.value): hit.count for hit in client.facet(NAME, key, exact=True, **options).hits}


CALLS = {**QUERIES, **{f"filter: {name}": filtered(only) for name, only in FILTERS.items()}, **READS}


@pytest.mark.parametrize("name", CALLS)
def test_answers_as_local_mode_does(name: str, pair: tuple[QdrantClient, QdrantClient]) -> None:
    ours, theirs = (CALLS[name](client) for client in pair)
    assert_same(comparable(ours), comparable(theirs))


def test_there_is_something_in_each_answer(pair: tuple[QdrantClient, QdrantClient]) -> None:
    """Two empty answers would agree for the wrong reason."""
    empty = {name for name, call in CALLS.items() if not _content(comparable(call(pair[0])))}
    assert empty == {
        "offset beyond the end",
        "sparse, unknown terms",
        "filter: any of nothing",
    }


def _content(answer: Any) -> Any:
    return answer.get("points", answer) if isinstance(answer, dict) else answer
