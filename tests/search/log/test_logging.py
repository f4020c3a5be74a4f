"""What the log keeps of a search over REST and on the page, and what it does not keep."""

import re
import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recommend.events.models import Event, Shopper
from search.log import rows, writing
from search.log.visitors import Visitor
from search.models import LoggedSearch
from search.query.request import Filters, SearchRequest, SearchResult

URL, EVENTS = "/api/v1/search", "/api/v1/events"
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def only() -> LoggedSearch:
    return LoggedSearch.objects.get()


def test_a_search_is_a_row_under_the_id_that_the_answer_tells(client, shop):
    answer = client.get(URL, {"q": " Office  CHAIR ", "page_size": 2, "page": 1}).json()
    row = only()
    assert str(row.pk) == answer["query"]["id"]
    assert (row.query, row.normalised) == ("Office  CHAIR", "office chair")
    assert row.shown == [shop[hit["sku"]].pk for hit in answer["hits"]]
    assert (row.first, row.page, row.narrowed, row.total) == (0, 1, False, answer["total"])
    assert (row.surface, row.mode, row.language, row.picture) == ("api", "hybrid", "en", False)
    assert row.took_ms == answer["took_ms"]


def test_further_pages_and_filters_are_rows_but_no_searches_of_their_own(client):
    client.get(URL, {"q": "chair", "page_size": 1, "page": 2})
    assert (only().first, only().narrowed) == (1, True)
    client.get(URL, {"q": "chair", "brand": "nord"})
    client.get(URL, {"q": "chair", "sort": "price"})
    assert LoggedSearch.objects.filter(narrowed=True).count() == 3


def test_what_asks_nothing_is_no_search(client):
    answer = client.get(URL, {"brand": "nord"}).json()
    assert "id" not in answer["query"]
    assert not LoggedSearch.objects.exists()


def test_a_picture_is_a_search_without_words(client, shop):
    client.get(URL, {"image_of": "CHAIR-1"})
    assert (only().query, only().picture) == ("", True)


@pytest.mark.slow
def test_pages_make_strangers_known_and_reloading_is_the_same_search(shop, logged, monkeypatch):
    monkeypatch.setattr("search.log.rows.SAME_SEARCH_SECONDS", 10**10)  # no half hour ends meanwhile
    browser = Client(headers={"User-Agent": "Mozilla/5.0 (Linux; Android 14) Mobile"})
    page = browser.get("/search", {"q": "chair"})
    first = only()
    assert (first.visitor is None, first.returning, first.device, first.surface) == (False, False, "phone", "page")
    assert not Shopper.objects.exists(), "a search alone makes no row of a shopper"
    told = set(re.findall(r'data-search-id="([^"]+)"', page.content.decode()))
    assert told == {str(first.pk)}

    browser.get("/search", {"q": "chair"})
    browser.get("/search", {"q": "lamp"})
    second = LoggedSearch.objects.exclude(pk=first.pk).get()
    assert (second.visitor, second.returning) == (first.visitor, True)


def test_the_key_of_a_first_search_becomes_the_shoppers(shop, logged):
    browser = Client()
    browser.get("/search", {"q": "chair"})
    row = only()
    click = {
        "event_id": str(uuid.uuid4()), "kind": "click", "sku": "CHAIR-3", "surface": "search", "position": 2,
        "search_id": str(row.pk),
    }  # fmt: skip
    assert browser.post(EVENTS, [click], content_type="application/json").json()["accepted"] == 1
    event = Event.objects.get()
    assert event.shopper is not None
    assert (event.shopper.key, event.search_id, event.position) == (row.visitor, row.pk, 2)


@pytest.mark.parametrize("headers", [{"DNT": "1"}, {"Cookie": "consent=no"}])
def test_without_consent_a_row_counts_and_tells_nothing(shop, logged, headers):
    Client(headers=headers).get("/search", {"q": "grandmother's address"})
    row = only()
    assert (row.query, row.normalised, row.visitor, row.told, row.shown, row.consent) == ("", "", None, {}, [], False)
    assert row.took_ms > 0
    with pytest.raises(IntegrityError), transaction.atomic():
        LoggedSearch.objects.update(query="grandmother")


def test_clicks_without_consent_name_no_search(shop, logged):
    browser = Client()
    event = {
        "event_id": str(uuid.uuid4()), "kind": "click", "sku": "CHAIR-3", "search_id": str(uuid.uuid4()),
        "consent": False,
    }  # fmt: skip
    browser.post(EVENTS, [event], content_type="application/json")
    assert Event.objects.get().search_id is None


def test_programs_and_prefetched_pages_are_not_logged(shop, logged):
    assert "id" not in Client(headers={"User-Agent": "Googlebot/2.1"}).get(URL, {"q": "chair"}).json()["query"]
    Client(headers={"Sec-Purpose": "prefetch;prerender"}).get("/search", {"q": "chair"})
    assert not LoggedSearch.objects.exists()
    session = {"User-Agent": "python-httpx/0.28", "X-Shopper-Session": "s" * 20}
    Client(headers=session).get(URL, {"q": "chair"})
    assert only().visitor is not None, "a shop of its own that asks for its shoppers is no crawler"


def test_half_a_sample_is_about_half_of_the_visitors_and_all_of_what_they_search(logged):
    logged.SEARCH_LOG_SAMPLE = 0.5
    visitors = [Visitor(uuid.UUID(int=number)) for number in range(2000)]
    taken = [rows.sampled(visitor) for visitor in visitors]
    assert 900 < sum(taken) < 1100
    assert taken == [rows.sampled(visitor) for visitor in visitors]
    logged.SEARCH_LOG_SAMPLE = 0
    assert not any(map(rows.sampled, visitors))


def test_no_log_costs_no_query(shop, settings):
    with CaptureQueriesContext(connection) as queries:
        Client().get(URL, {"q": "chair", "personal": "false"})
    assert not [each for each in queries if "loggedsearch" in each["sql"] or "experiment" in each["sql"]]


def test_a_log_that_fails_fails_no_search(client, monkeypatch):
    def broken(*_args, **_more):
        raise RuntimeError("out of order")

    monkeypatch.setattr("search.serving.row_of", broken)
    answer = client.get(URL, {"q": "chair"})
    assert answer.status_code == 200
    assert "id" not in answer.json()["query"]
    monkeypatch.undo()
    monkeypatch.setattr(LoggedSearch.objects, "bulk_create", broken)
    assert client.get(URL, {"q": "chair"}).status_code == 200
    monkeypatch.undo()
    writing.flush()


def test_what_no_database_takes_is_kept_as_far_as_it_goes():
    asked = SearchRequest(q="half \ud83d of\x00 it" + "x" * 400)
    told = {"corrected": "\ud83d", "long": "x" * 5000}
    row = rows.row_of(asked, SearchResult([], 0, [], 1.0, told), Visitor(uuid.uuid4()), surface="api")
    assert row.query.startswith("half ? of it")
    assert (len(row.query), len(row.normalised)) == (300, 200)
    assert row.told == {"corrected": True, "long": True}


def test_the_same_search_has_one_id_until_anything_differs():
    visitor, result = Visitor(uuid.uuid4()), SearchResult([], 0, [], 1.0, {})

    def id_of(**more) -> uuid.UUID:
        return rows.row_of(SearchRequest(**{"q": "chair", **more}), result, visitor, surface="page", at=AT).pk

    assert id_of() == id_of()
    others = [id_of(q="lamp"), id_of(page=2), id_of(filters=Filters(brand=("nord",))), id_of(sort="price"), id_of()]
    assert len(set(others)) == 5
