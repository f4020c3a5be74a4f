"""Queries of Qdrant's universal API as engine queries.

The engine takes vectors only. Point ids are looked up here, the points they name are left out of the answer, and the
average-vector form of a recommendation is reduced to a nearest query (Qdrant: average of the positives, plus its
distance from the average of the negatives).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import qdrant_edge as edge
from qdrant_client import models

from vectord.errors import bad_request, engine_errors, not_found, not_implemented
from vectord.filters import engine_filter, excluding, iso_time, point_id
from vectord.formula import engine_formula
from vectord.recommend import average_vector
from vectord.vectors import engine_vector

if TYPE_CHECKING:
    from vectord.collection import Collection

Lookup = Callable[[str], "Collection"]  # a collection by its name or alias; raises a 404
Asked = models.QueryRequest | models.QueryGroupsRequest | models.Prefetch

DEFAULT_LIMIT = 10
DEFAULT_RRF_K = 2


class QueryTranslator:
    """Turns the requests for one collection into engine requests."""

    def __init__(self, collection: "Collection", lookup: Lookup) -> None:
        self._collection = collection
        self._lookup = lookup
        # The engine reserves room for `limit` hits: a limit beyond the collection buys nothing but memory.
        self._most = max(1, collection.shard.info().points_count)

    def request(
        self,
        asked: models.QueryRequest | models.QueryGroupsRequest,
        limit: int | None,
        offset: int | None,
        **selection: Any,
    ) -> edge.QueryRequest:
        """`selection` is the engine's `with_payload` and `with_vector`."""
        query, parts = self._parts(asked, limit)
        with engine_errors():
            return edge.QueryRequest(query=query, offset=self._bounded(offset, "offset", 0), **parts, **selection)

    def _prefetch(self, asked: models.Prefetch) -> edge.Prefetch:
        query, parts = self._parts(asked, asked.limit)
        with engine_errors():
            return edge.Prefetch(query=query, **parts)

    def _parts(self, asked: Asked, limit: int | None) -> tuple[Any, dict[str, Any]]:
        if getattr(asked, "shard_key", None) is not None:
            raise not_implemented("shard keys")
        limit = self._bounded(limit, "limit", DEFAULT_LIMIT)
        prefetches = as_list(asked.prefetch)
        inputs = _Inputs(self._collection, self._lookup, asked)
        query = self._query(asked.query, inputs, limit, len(prefetches))
        parts = {
            "limit": limit,
            "prefetches": [self._prefetch(one) for one in prefetches] or None,
            "filter": excluding(engine_filter(asked.filter), inputs.named_ids),
            "score_threshold": asked.score_threshold,
            "params": _search_params(asked.params),
        }
        return query, parts

    def _bounded(self, given: int | None, name: str, default: int) -> int:
        if given is None:
            return default
        if given < (1 if name == "limit" else 0):
            raise bad_request(f"{name}: {given} is too small")
        return min(given, self._most)

    def _query(self, given: Any, inputs: "_Inputs", limit: int, prefetches: int) -> Any:
        """The engine's query; a bare vector or point id means its nearest neighbours."""
        using = inputs.using
        match given:
            case None:
                if prefetches:
                    raise bad_request("a prefetch needs a query to merge or rescore its results")
                return None
            case models.FusionQuery() | models.RrfQuery():
                if not prefetches:
                    raise bad_request("a fusion needs at least one prefetch")
                return _fusion(given)
            case models.FormulaQuery():
                if not prefetches:
                    raise bad_request("a formula needs at least one prefetch")
                return engine_formula(given)
            case models.OrderByQuery():
                return engine_order(given.order_by)
            case models.SampleQuery():
                return edge.Sample.Random
            case models.NearestQuery(mmr=models.Mmr() as mmr):
                return _mmr(inputs.vector(given.nearest), mmr, limit, using)
            case models.NearestQuery():
                return edge.Query.Nearest(inputs.vector(given.nearest), using)
            case models.RecommendQuery():
                return _recommend(given.recommend, inputs, using)
            case models.DiscoverQuery():
                target = inputs.vector(given.discover.target)
                pairs = inputs.pairs(given.discover.context)
                return edge.Query.Discover(edge.DiscoverQuery(target, pairs), using)
            case models.ContextQuery():
                return edge.Query.Context(edge.ContextQuery(inputs.pairs(given.context)), using)
            case models.TextQuery() | models.RelevanceFeedbackQuery():
                raise not_implemented(f"the query {type(given).__name__}")
            case _:
                return edge.Query.Nearest(inputs.vector(given), using)


class _Inputs:
    """The vectors that one (pre)query names, given outright or by the id of a point that has them."""

    def __init__(self, collection: "Collection", lookup: Lookup, asked: Asked) -> None:
        self.using = asked.using or ""
        self.named_ids: set[int | str] = set()
        self._collection = self._source = collection
        self._vector_name = self.using
        if asked.lookup_from is not None:
            if asked.lookup_from.shard_key is not None:
                raise not_implemented("shard keys")
            self._source = lookup(asked.lookup_from.collection)
            self._vector_name = asked.lookup_from.vector or self.using

    def vector(self, given: models.VectorInput) -> Any:
        if isinstance(given, int | str | UUID):
            return self._stored(point_id(given))
        return engine_vector(self._collection.schema, self.using, given)

    def vectors(self, given: Sequence[models.VectorInput] | None) -> list[Any]:
        return [self.vector(one) for one in given or []]

    def pairs(self, given: Any) -> list[edge.ContextPair]:
        pairs = as_list(given)
        return [edge.ContextPair(self.vector(pair.positive), self.vector(pair.negative)) for pair in pairs]

    def _stored(self, identity: int | str) -> Any:
        self._source.schema.require(self._vector_name)
        with engine_errors():
            found = self._source.shard.retrieve([identity], False, True)
        if not found:
            raise not_found(f"No point with id {identity} found")
        vectors = found[0].vector
        vector: Any = vectors.get(self._vector_name) if isinstance(vectors, dict) else vectors
        if not vector:
            raise not_found(f"Point with id {identity} has no vector '{self._vector_name}'")
        if self._source is not self._collection:
            # Another collection's vector may be of another kind or size: it is checked like one from outside.
            if isinstance(vector, edge.SparseVector):
                vector = models.SparseVector(indices=vector.indices, values=vector.values)
            return engine_vector(self._collection.schema, self.using, vector)
        self.named_ids.add(identity)
        return vector


def as_list(given: Any) -> list[Any]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _fusion(given: models.FusionQuery | models.RrfQuery) -> Any:
    if isinstance(given, models.RrfQuery):
        k = DEFAULT_RRF_K if given.rrf.k is None else given.rrf.k
        if k < 1:
            raise bad_request("rrf.k: must be at least 1")
        with engine_errors():
            return edge.Fusion.Rrf(k, given.rrf.weights)
    if given.fusion == models.Fusion.DBSF:
        return edge.Fusion.Dbsf()
    return edge.Fusion.Rrf(DEFAULT_RRF_K)


def _mmr(vector: Any, mmr: models.Mmr, limit: int, using: str) -> edge.Mmr:
    diversity = 0.5 if mmr.diversity is None else mmr.diversity
    if not 0 <= diversity <= 1:
        raise bad_request("mmr.diversity: must be between 0 and 1")
    candidates = limit if mmr.candidates_limit is None else mmr.candidates_limit
    if not 0 <= candidates <= 16384:
        raise bad_request("mmr.candidates_limit: must be between 0 and 16384")
    with engine_errors():
        return edge.Mmr(vector, 1.0 - diversity, candidates, using)


def _recommend(given: models.RecommendInput, inputs: _Inputs, using: str) -> Any:
    positives, negatives = inputs.vectors(given.positive), inputs.vectors(given.negative)
    if not positives and not negatives:
        raise bad_request("a recommendation needs at least one example")
    if given.strategy in (None, models.RecommendStrategy.AVERAGE_VECTOR):
        if not positives:
            raise bad_request("the strategy average_vector needs at least one positive example")
        return edge.Query.Nearest(average_vector(positives, negatives), using)
    examples = edge.RecommendQuery(positives, negatives)
    if given.strategy == models.RecommendStrategy.BEST_SCORE:
        return edge.Query.RecommendBestScore(examples, using)
    return edge.Query.RecommendSumScores(examples, using)


def engine_order(given: models.OrderByInterface) -> edge.OrderBy:
    if isinstance(given, str):
        given = models.OrderBy(key=given)
    direction = edge.Direction.Desc if given.direction == models.Direction.DESC else edge.Direction.Asc
    start: Any = given.start_from
    if start is not None and not isinstance(start, int | float):
        start = iso_time(start)
    with engine_errors():
        return edge.OrderBy(given.key, direction, start)


def _search_params(given: models.SearchParams | None) -> edge.SearchParams | None:
    if given is None:
        return None
    if given.idf is not None:
        raise not_implemented("an IDF corpus other than the whole collection")
    if given.hnsw_ef is not None and given.hnsw_ef < 0:
        raise bad_request("params.hnsw_ef: must not be negative")
    with engine_errors():
        # Nothing is quantized and ACORN only changes how a filtered search walks: neither changes the answer asked for.
        return edge.SearchParams(hnsw_ef=given.hnsw_ef, exact=bool(given.exact), indexed_only=bool(given.indexed_only))
