"""Synonyms that the logs suggest."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from search.language import suggesting
from search.language.suggesting import clicked_alike, reformulated
from search.log.clicks import Click
from search.models import LoggedSearch, Synonym, SynonymSuggestion

NOW = timezone.now()


def typed(visitor: int, *queries: str, minutes: float = 1) -> list[tuple[Any, str, Any]]:
    return [(visitor, query, NOW + timedelta(minutes=number * minutes)) for number, query in enumerate(queries)]


def crowd(*, of: int = 60) -> list[tuple[Any, str, Any]]:
    """Visitors who searched for something else, so that chance has a measure."""
    return [row for visitor in range(100, 100 + of) for row in typed(visitor, f"thing {visitor % 7}")]


def test_a_word_in_anothers_place_is_suggested_with_its_support_and_lift():
    searches = [row for visitor in range(3) for row in typed(visitor, "grey sofa", "gray sofa")] + crowd()
    found = reformulated(searches, set())
    assert list(found) == [("gray", "grey")]
    assert found["gray", "grey"].support == 3
    assert found["gray", "grey"].lift == pytest.approx(3 * 63 / (3 * 3))


@pytest.mark.parametrize(
    "searches",
    [
        [row for visitor in range(2) for row in typed(visitor, "couch", "sofa")],  # too few
        [row for visitor in range(4) for row in typed(visitor, "couch", "sofa", minutes=6)],  # too late
        [row for visitor in range(4) for row in typed(visitor, "sofa", "red sofa")],  # a word more
        [row for visitor in range(4) for row in typed(visitor, "chair", "chairs")],  # another form
        [row for _ in range(9) for row in typed(1, "couch", "sofa")],  # one visitor alone
    ],
    ids=["few", "late", "narrower", "form", "one visitor"],
)
def test_what_says_nothing_is_not_suggested(searches):
    assert reformulated(searches + crowd(), set()) == {}


def test_whoever_clicked_was_not_looking_for_another_word():
    searches = [row for visitor in range(4) for row in typed(visitor, "couch", "lamp")] + crowd()
    assert reformulated(searches, {(visitor, "couch") for visitor in range(4)}) == {}


def test_what_everybody_searches_for_has_no_lift():
    searches = [row for visitor in range(9) for row in typed(visitor, "couch", "lamp")]
    assert reformulated(searches, set()) == {}


def test_queries_that_lead_to_the_same_products():
    clicks = [(query, product, who) for query in ("couch", "sofa") for product in (1, 2, 3) for who in range(3)]
    clicks += [(f"other {n}", product, who) for n, product in enumerate(range(10, 40)) for who in range(3)]
    found = clicked_alike(clicks)
    assert list(found) == [("couch", "sofa")]
    assert found["couch", "sofa"].support == 3
    assert clicked_alike([(query, product, 1) for query, product, _ in clicks]) == {}  # all by one visitor


@pytest.mark.django_db
def test_suggestions_are_kept_accepted_and_dismissed(monkeypatch):
    _log([(uuid.uuid4(), ("grey sofa", "gray sofa")) for _ in range(4)] + _others())
    assert suggesting.suggest() == 1
    row = SynonymSuggestion.objects.get()
    assert (row.first, row.second, row.source, row.support) == ("gray", "grey", "reformulated", 4)
    assert suggesting.suggest() == 0
    synonym = suggesting.accept(row)
    assert synonym.words == "gray, grey"
    assert "4 shoppers" in synonym.note
    row.refresh_from_db()
    assert (row.state, row.synonym) == ("accepted", synonym)


@pytest.mark.django_db
def test_what_was_dismissed_or_is_a_synonym_is_not_suggested_again():
    _log([(uuid.uuid4(), ("grey sofa", "gray sofa")) for _ in range(4)] + _others())
    suggesting.suggest()
    suggesting.dismiss(SynonymSuggestion.objects.get())
    assert suggesting.suggest() == 0
    assert SynonymSuggestion.objects.get().state == "dismissed"
    SynonymSuggestion.objects.all().delete()
    Synonym.objects.create(words="grey, gray, silver")
    assert suggesting.suggest() == 0
    assert not SynonymSuggestion.objects.exists()


@pytest.mark.django_db
def test_clicks_are_read_through_the_setting(settings):
    settings.SEARCH_CLICKS = "tests.search.language.test_suggesting.clicks"
    assert suggesting.suggest() == 1
    assert SynonymSuggestion.objects.get().source == "clicks"


def clicks(since: Any, until: Any = None) -> list[Click]:
    pairs = [(query, product) for query in ("couch", "sofa") for product in (1, 2, 3)]
    pairs += [(f"other {n}", n) for n in range(10, 40)]
    return [
        Click(uuid.uuid4(), query, product, 0, uuid.UUID(int=who), NOW, "click")
        for query, product in pairs
        for who in range(3)
    ]


def _others() -> list[tuple[uuid.UUID, tuple[str, ...]]]:
    return [(uuid.uuid4(), (f"thing {n % 7}",)) for n in range(60)]


def _log(visits: list[tuple[uuid.UUID, tuple[str, ...]]]) -> None:
    LoggedSearch.objects.bulk_create(
        LoggedSearch(
            id=uuid.uuid4(), happened_at=NOW - timedelta(hours=1) + timedelta(minutes=number), query=query,
            normalised=query, mode="hybrid", surface="page", total=3, took_ms=1.0, visitor=visitor,
        )
        for visitor, queries in visits
        for number, query in enumerate(queries)
    )  # fmt: skip
