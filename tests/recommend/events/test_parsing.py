"""Values as others write them, into drafts; and whatever they write, a draft or a sentence."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommend.events.drafts import DraftError, check
from recommend.events.models import Event
from recommend.events.parsing import FIELDS, draft_of, moment

AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T10:30:00Z",
        "2026-03-01T11:30:00+01:00",
        "2026-03-01 10:30:00+00:00",
        AT.timestamp(),
        int(AT.timestamp()),
        int(AT.timestamp() * 1000),
        str(int(AT.timestamp() * 1_000_000)),
        f" {int(AT.timestamp())} ",
    ],
)
def test_a_time_is_read_however_it_is_written(written: Any) -> None:
    assert moment(written) == AT


def test_a_time_without_an_offset_is_utc_only_where_that_is_said() -> None:
    assert moment("2026-03-01 10:30", naive_is_utc=True) == AT
    assert moment("2026-03-01 10:30").tzinfo is None


NO_TIME = ["", "soon", "2026-02-30", "nan", "inf", "1e300", float("nan"), float("inf"), True, None, [], {}]
# Before 1970, before the year 1, beyond nanoseconds of the year 5138, and beyond every float.
OUTSIDE = [-1, -0.5, "-1", -90_000_000_000, -(10**19), 10**20, 10**400, -(10**400)]


@pytest.mark.parametrize("written", NO_TIME + OUTSIDE)
def test_what_is_no_time_is_refused(written: Any) -> None:
    with pytest.raises(DraftError):
        moment(written)


def test_cells_and_json_are_read_alike() -> None:
    key = "0190d7a1-6c5e-4bbd-9f0e-2d6a5a1f3c44"
    common = {"event_id": key, "kind": "purchase", "sku": "A", "basket": "b", "happened_at": "2026-03-01T10:30:00Z"}
    cells = draft_of({**common, "position": "3", "value": " 9.90 ", "quantity": "2.0", "consent": "no", "query": ""})
    json = draft_of({**common, "position": 3, "value": 9.9, "quantity": 2, "consent": False, "query": None})
    assert cells == json
    assert (cells.event_id, cells.value, cells.quantity, cells.consent) == (UUID(key), Decimal("9.9"), 2, False)


def test_an_id_may_be_a_number_and_a_long_query_is_cut() -> None:
    draft = draft_of({"kind": "search", "sku": 12, "query": "x" * 500})
    assert (draft.sku, len(draft.query)) == ("12", 300)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", 3), ("surface", ["a"]), ("event_id", 7), ("event_id", "x"), ("position", True), ("position", "1.5"),
        ("quantity", "9" * 30), ("value", "ten"), ("value", {}), ("consent", "perhaps"), ("placement", "x"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_the_fields_name(field: str, value: Any) -> None:
    with pytest.raises(DraftError, match=field):
        draft_of({"kind": "view", "sku": "A", field: value})


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_iso_times_come_back_as_they_were(naive: datetime, minutes: int) -> None:
    at = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(at.isoformat()) == at


@given(st.integers(1_000_000_000, 4_000_000_000), st.sampled_from([1, 1000, 1_000_000, 1_000_000_000]))
def test_every_unit_of_an_epoch_is_told_from_the_others(seconds: int, unit: int) -> None:
    assert moment(seconds * unit) == datetime.fromtimestamp(seconds, UTC)


FAR = st.integers(-400, 400).map(lambda digits: (-1 if digits < 0 else 1) * 9 * 10 ** abs(digits))
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | FAR
    | st.floats()
    | st.text()
    | st.sampled_from(["1E+999999", "9" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


KINDS = st.sampled_from(Event.Kind.values) | ANYTHING
OTHERS = {name: ANYTHING for name in FIELDS if name != "kind"}


@pytest.mark.slow
@given(st.fixed_dictionaries({"kind": KINDS}, optional=OTHERS))
def test_whatever_is_written_is_a_draft_or_a_sentence(values: dict[str, Any]) -> None:
    said = "."
    try:
        check(draft_of(values))
    except DraftError as error:
        said = str(error)
    assert said.endswith(".")
