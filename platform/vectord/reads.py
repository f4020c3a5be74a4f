"""Reads of the REST description: retrieve, scroll, count, facet, query, query by groups."""

from typing import TYPE_CHECKING, Any

import qdrant_edge as edge
from qdrant_client import models

from vectord import answers
from vectord.errors import bad_request, engine_errors, not_found, not_implemented
from vectord.filters import engine_filter, point_id
from vectord.queries import DEFAULT_LIMIT, Lookup, QueryTranslator, as_list, engine_order

if TYPE_CHECKING:
    from vectord.collection import Collection

DEFAULT_SCROLL = DEFAULT_FACET = DEFAULT_GROUPS = 10
DEFAULT_GROUP_SIZE = 3


def get_point(collection: "Collection", identity: int | str) -> dict[str, Any]:
    found = _retrieve(collection, [point_id(identity)], True, True)
    if not found:
        raise not_found(f"Point with id {identity} does not exists!")
    return found[0]


def retrieve(collection: "Collection", asked: models.PointRequest) -> list[dict[str, Any]]:
    """In the order asked for; ids that are not there are left out."""
    _check_shard_key(asked)
    ids = list(dict.fromkeys(point_id(one) for one in asked.ids))
    with_payload = answers.payload_selector(asked.with_payload, default=True)
    return _retrieve(collection, ids, with_payload, _vector_selector(collection, asked.with_vector))


def _retrieve(collection: "Collection", ids: list[Any], with_payload: Any, with_vector: Any) -> list[dict[str, Any]]:
    with engine_errors():
        return [answers.record(one) for one in collection.shard.retrieve(ids, with_payload, with_vector)]


def scroll(collection: "Collection", asked: models.ScrollRequest) -> dict[str, Any]:
    _check_shard_key(asked)
    limit = DEFAULT_SCROLL if asked.limit is None else asked.limit
    if limit < 1:
        raise bad_request("limit: must be at least 1")
    if asked.order_by is not None and asked.offset is not None:
        raise bad_request(
            "Cannot use an `offset` when using `order_by`. The alternative for paging is to use "
            "`order_by.start_from` and a filter to exclude the IDs that you've already seen"
        )
    request = edge.ScrollRequest(
        offset=None if asked.offset is None else point_id(asked.offset),
        limit=min(limit, max(1, collection.shard.info().points_count)),
        filter=engine_filter(asked.filter),
        with_payload=answers.payload_selector(asked.with_payload, default=True),
        with_vector=_vector_selector(collection, asked.with_vector),
        order_by=None if asked.order_by is None else engine_order(asked.order_by),
    )
    with engine_errors():
        points, following = collection.shard.scroll(request)
    return {"points": [answers.record(one) for one in points], "next_page_offset": following}


def count(collection: "Collection", asked: models.CountRequest) -> dict[str, int]:
    """Exact always: it costs little on one machine, and an exact count is within what `exact=false` promises."""
    _check_shard_key(asked)
    return {"count": collection.count(engine_filter(asked.filter))}


def facet(collection: "Collection", asked: models.FacetRequest) -> dict[str, Any]:
    _check_shard_key(asked)
    limit = DEFAULT_FACET if asked.limit is None else asked.limit
    if limit < 1:
        raise bad_request("limit: must be at least 1")
    with engine_errors():
        hits = collection.shard.facet(edge.FacetRequest(asked.key, limit, True, engine_filter(asked.filter)))
    # An index remembers values that no point has any longer, and the engine counts them as zero.
    return {"hits": [{"value": hit.value, "count": hit.count} for hit in hits if hit.count]}


def query(collection: "Collection", asked: models.QueryRequest, lookup: Lookup) -> dict[str, Any]:
    return {"points": _hits(collection, asked, lookup)}


def query_batch(collection: "Collection", asked: models.QueryRequestBatch, lookup: Lookup) -> list[dict[str, Any]]:
    return [query(collection, one, lookup) for one in asked.searches]


def _hits(collection: "Collection", asked: models.QueryRequest, lookup: Lookup) -> list[dict[str, Any]]:
    with_vector = _vector_selector(collection, asked.with_vector)
    with_payload = answers.payload_selector(asked.with_payload, default=False)
    request = QueryTranslator(collection, lookup).request(
        asked, asked.limit, asked.offset, with_payload=with_payload, with_vector=with_vector
    )
    return [answers.scored_point(one, bool(with_vector)) for one in _run(collection, request)]


def _run(collection: "Collection", request: edge.QueryRequest) -> list[edge.ScoredPoint]:
    with engine_errors():
        try:
            return collection.shard.query(request)
        except Exception as error:
            # What the engine says when a formula meets a point without the key, and no default stands in for it.
            if "process cancelled by service" in str(error):
                raise bad_request("a variable of the formula has no value in some point, and no default") from error
            raise


def query_groups(collection: "Collection", asked: models.QueryGroupsRequest, lookup: Lookup) -> dict[str, Any]:
    """The best hits under each value of a payload key, best group first. The engine has no groups: ask for the ids and
    the key only, twice as many each time, until the groups are full or the hits are at their end."""
    if asked.with_lookup is not None:
        raise not_implemented("with_lookup")
    groups = DEFAULT_GROUPS if asked.limit is None else asked.limit
    size = DEFAULT_GROUP_SIZE if asked.group_size is None else asked.group_size
    if groups < 1 or size < 1:
        raise bad_request("limit and group_size: must be at least 1")
    with_vector = _vector_selector(collection, asked.with_vector)
    with_payload = answers.payload_selector(asked.with_payload, default=False)
    translator = QueryTranslator(collection, lookup)
    candidates = _for_groups(asked, size)
    key_only = edge.PayloadSelector.Include([asked.group_by.removesuffix("[]")])
    wanted = 4 * groups * size
    while True:
        hits = _run(collection, translator.request(candidates, wanted, None, with_payload=key_only, with_vector=False))
        found = _group(hits, asked.group_by, groups, size)
        # A sample is drawn anew each time: asking again would mix two of them.
        full = len(found) == groups and all(len(members) == size for members in found.values())
        if full or len(hits) < wanted or isinstance(asked.query, models.SampleQuery):
            break
        wanted *= 2
    ids = list({hit.id for members in found.values() for hit in members})
    with engine_errors():
        records = {one.id: one for one in collection.shard.retrieve(ids, with_payload, with_vector)}
    return {"groups": [{"id": value, "hits": _members(members, records)} for value, members in found.items()]}


def _for_groups(asked: models.QueryGroupsRequest, size: int) -> models.QueryGroupsRequest:
    """As the server asks for candidates: points with the key only, and prefetches that are larger by the group size."""
    empty = models.IsEmptyCondition(is_empty=models.PayloadField(key=asked.group_by))
    only = models.Filter(must=None if asked.filter is None else [asked.filter], must_not=[empty])
    return asked.model_copy(update={"filter": only, "prefetch": _enlarged(asked.prefetch, size)})


def _enlarged(given: list[models.Prefetch] | models.Prefetch | None, times: int) -> list[models.Prefetch]:
    return [
        one.model_copy(
            update={
                "limit": (DEFAULT_LIMIT if one.limit is None else one.limit) * times,
                "prefetch": _enlarged(one.prefetch, times),
            }
        )
        for one in as_list(given)
    ]


def _group(hits: list[edge.ScoredPoint], key: str, groups: int, size: int) -> dict[Any, list[edge.ScoredPoint]]:
    found: dict[Any, list[edge.ScoredPoint]] = {}
    for hit in hits:
        for value in dict.fromkeys(_values_at(hit.payload, key.split("."))):
            if value in found:
                if len(found[value]) < size:
                    found[value].append(hit)
            elif len(found) < groups:
                found[value] = [hit]
    return found


def _values_at(payload: Any, path: list[str]) -> list[Any]:
    """The strings and integers at a path, through lists (`a.b`, `a[].b`): only those can name a group."""
    if isinstance(payload, list):
        return [value for one in payload for value in _values_at(one, path)]
    if path:
        return _values_at(payload.get(path[0].removesuffix("[]")), path[1:]) if isinstance(payload, dict) else []
    return [payload] if isinstance(payload, str | int) and not isinstance(payload, bool) else []


def _members(members: list[edge.ScoredPoint], records: dict[Any, edge.Record]) -> list[dict[str, Any]]:
    shown = []
    for hit in members:
        record = records[hit.id]
        one = {"id": hit.id, "version": hit.version, "score": hit.score, "payload": record.payload}
        if record.vector is not None:
            one["vector"] = answers.vectors(record.vector)
        shown.append(one)
    return shown


def _vector_selector(collection: "Collection", given: models.WithVector | None) -> Any:
    if isinstance(given, list):
        for name in given:
            collection.schema.require(name)
    return given or False


def _check_shard_key(asked: Any) -> None:
    if asked.shard_key is not None:
        raise not_implemented("shard keys")
