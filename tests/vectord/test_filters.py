"""Any filter lets the same points through on vectord as on local mode, indexed or not."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient
from qdrant_client import models as m

from tests.vectord.catalogue import COLOURS, NAME, SIZE, identity
from tests.vectord.test_congruence import field, pair, value

__all__ = ["pair"]  # the fixture: both clients, filled

numbers = st.floats(-5, 45, allow_nan=False).map(lambda number: round(number, 2))
sides = st.sampled_from(["gt", "gte", "lt", "lte"])
ranges = st.dictionaries(sides, numbers, min_size=1, max_size=2).map(lambda bounds: m.Range(**bounds))
times = st.datetimes(datetime(2023, 12, 1), datetime(2025, 1, 1), timezones=st.just(UTC))
time_ranges = st.dictionaries(sides, times, min_size=1, max_size=2).map(lambda bounds: m.DatetimeRange(**bounds))
keywords = st.sampled_from([("colour", one) for one in (*COLOURS, "none")] + [("tags", f"t{n}") for n in range(9)])
integers = st.tuples(st.sampled_from(["stock", "brand.year"]), st.sampled_from([*range(-1, 18), 1995, 2003]))
exact = st.one_of(keywords, integers, st.tuples(st.just("on_sale"), st.booleans()))
counts = st.dictionaries(sides, st.integers(0, 4), min_size=1, max_size=2).map(lambda given: m.ValuesCount(**given))
keys = st.sampled_from(["note", "tags", "variants", "colour", "absent"])
points = st.builds(
    lambda lon, lat, radius: m.GeoRadius(center=m.GeoPoint(lon=lon, lat=lat), radius=radius),
    st.floats(8.5, 13.5),
    st.floats(44.5, 48.5),
    st.floats(1_000, 300_000),
)

conditions = st.one_of(
    exact.map(lambda pair: value(*pair)),
    st.lists(st.sampled_from(COLOURS), max_size=3, unique=True).map(
        lambda any_of: field("colour", match=m.MatchAny(any=any_of))
    ),
    st.lists(st.integers(0, 17), min_size=1, max_size=4, unique=True).map(
        lambda none_of: field("stock", match=m.MatchExcept(**{"except": none_of}))
    ),
    st.builds(lambda key, wanted: field(key, range=wanted), st.sampled_from(["price", "stock"]), ranges),
    time_ranges.map(lambda wanted: field("listed", range=wanted)),
    st.builds(lambda key, wanted: field(key, values_count=wanted), st.sampled_from(["tags", "variants"]), counts),
    points.map(lambda circle: field("place", geo_radius=circle)),
    keys.map(lambda key: m.IsEmptyCondition(is_empty=m.PayloadField(key=key))),
    keys.map(lambda key: m.IsNullCondition(is_null=m.PayloadField(key=key))),
    st.lists(st.integers(0, SIZE - 1).map(identity), max_size=30, unique=True).map(
        lambda ids: m.HasIdCondition(has_id=ids)
    ),
    st.sampled_from(["text", "look", "terms"]).map(lambda name: m.HasVectorCondition(has_vector=name)),
    st.builds(
        lambda size, left: m.NestedCondition(
            nested=m.Nested(key="variants", filter=m.Filter(must=[value("size", size), value("left", left)]))
        ),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
)


def _filters(inner: st.SearchStrategy[m.Condition]) -> st.SearchStrategy[m.Filter]:
    some = st.none() | st.lists(inner, min_size=1, max_size=3)
    at_least = st.builds(
        lambda several, least: m.MinShould(conditions=several, min_count=min(least, len(several))),
        st.lists(inner, min_size=1, max_size=4),
        st.integers(1, 3),
    )
    return st.builds(m.Filter, must=some, should=some, must_not=some, min_should=st.none() | at_least)


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(only=_filters(st.recursive(conditions, _filters, max_leaves=4)))
def test_lets_the_same_points_through(pair: tuple[QdrantClient, QdrantClient], only: m.Filter) -> None:
    ours, theirs = (
        {record.id for record in client.scroll(NAME, scroll_filter=only, limit=1000, with_payload=False)[0]}
        for client in pair
    )
    assert ours == theirs
    assert pair[0].count(NAME, only).count == len(ours)
