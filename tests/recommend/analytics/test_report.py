"""The report on searches: figures by hand, in a fixed number of queries, and files that run nothing."""

import csv
import io
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommend.analytics import queries
from recommend.analytics.export import TABLES, csv_of
from recommend.analytics.figures import by_column, by_day, figures, slow_from
from recommend.analytics.period import Period, period_of

pytestmark = pytest.mark.django_db
MAY = Period(date(2026, 5, 1), date(2026, 5, 10))


def test_figures_of_a_period(searched):
    searched(clicks=(4, 2), cart=True)
    searched(clicks=(0,), bought=True, days=1)
    searched("unicorn", total=0, took_ms=90)
    searched(consent=False)
    searched(narrowed=True, clicks=(1,))
    searched(days=20, clicks=(1,))
    told = figures(MAY)
    assert (told.searches, told.known, told.clicked, told.carted, told.bought, told.zero) == (4, 3, 2, 1, 1, 1)
    assert told.position == 2  # third place, and first
    assert (told.click_rate, told.zero_rate, told.took_ms) == (2 / 3, 1 / 4, 30)
    assert figures(MAY.before).searches == 0
    days = by_day(MAY)
    assert list(days) == MAY.days
    assert [each.searches for each in days.values()][-2:] == [1, 3]
    assert slow_from(MAY) == 90
    assert slow_from(MAY.before) is None


def test_parts_of_a_period(searched):
    searched(device="desktop", clicks=(1,))
    searched(language="de")
    parts = by_column(MAY, "device")
    assert {name: each.clicked for name, each in parts.items()} == {"phone": 0, "desktop": 1}
    assert figures(Period(MAY.first, MAY.last, device="desktop")).searches == 1
    assert figures(Period(MAY.first, MAY.last, language="de")).searches == 1


def test_queries_with_what_became_of_them(searched):
    for visitor in range(3):
        searched(visitor=visitor, clicks=(visitor,))
    searched("unicorn", total=0)
    searched("unicorn", total=0, visitor=2)
    searched("lamp", total=0)
    searched("lamp", total=3, took_ms=500)
    assert [(each.query, each.searches, each.visitors) for each in queries.top(MAY)] == [
        ("chair", 3, 3), ("lamp", 2, 1), ("unicorn", 2, 2),
    ]  # fmt: skip
    assert (queries.top(MAY)[0].click_rate, queries.top(MAY)[0].position) == (1, 2)
    assert [each.query for each in queries.top(MAY, "zero")] == ["unicorn"], "a lamp was found in the end"
    assert queries.top(MAY, "slow")[0].query == "lamp"
    assert [each.query for each in queries.top(MAY, least=2)] == ["chair", "unicorn"]


def test_who_keeps_no_cookies_makes_nothing_that_many_typed(searched):
    for visitor in range(10, 20):  # somebody new with each request
        searched("ann of mill lane", visitor=visitor, returning=False)
    assert [each.visitors for each in queries.top(MAY)] == [10]
    assert queries.top(MAY, least=2) == []
    assert queries.trending(MAY, least=2) == []
    assert [each.query for each in queries.trending(MAY)] == ["ann of mill lane"]


def test_which_query_followed_which(searched):
    for visitor in (1, 2):
        searched("sofa", visitor=visitor, total=0)
        searched("couch", visitor=visitor, seconds=100)
        searched("lamp", visitor=visitor, seconds=1000)  # too late to have been meant
    searched("sofa", visitor=3, total=0)
    searched("chair", visitor=4, seconds=5)  # somebody else
    searched("sofa", visitor=5)
    searched("sofa", visitor=5, seconds=20)  # once more is no other
    (only,) = queries.reformulations(MAY)
    assert (only.query, only.then, only.times, only.visitors) == ("sofa", "couch", 2, 2)
    assert (only.found_before, only.found_after) == (0, 1)
    assert queries.reformulations(MAY, least=3) == []
    assert queries.reformulations(Period(MAY.first, MAY.last, device="desktop")) == []


def test_what_rises_against_its_own_baseline(searched):
    for number in range(12):
        searched("grill", visitor=number, days=number % 6)
        searched("chair", visitor=number, days=number % 6)
    for number in range(40):
        searched("chair", visitor=number, days=8 + number % 25)
    searched("lamp")
    (only,) = queries.trending(MAY)
    assert (only.query, only.recent, only.expected) == ("grill", 12, 0.5)
    assert only.surprise > 2


@pytest.mark.parametrize(
    ("params", "first", "last"),
    [
        ({}, "2026-04-11", "2026-05-10"),
        ({"from": "2026-05-01", "to": "2026-05-03"}, "2026-05-01", "2026-05-03"),
        ({"from": "2026-05-05", "to": "2026-05-01"}, "2026-05-01", "2026-05-05"),
        ({"from": "no day", "to": "9999-12-31"}, "2026-04-11", "2026-05-10"),
        ({"from": "0001-01-01"}, "2026-04-11", "2026-05-10"),
        ({"from": "2001-01-01", "device": "x" * 99}, "2025-05-10", "2026-05-10"),
    ],
)
def test_periods_make_sense_whatever_is_asked(params, first, last):
    told = period_of(params, date(2026, 5, 10))
    assert (str(told.first), str(told.last), told.device) == (first, last, "")


@pytest.mark.parametrize("table", TABLES)
def test_files_have_a_row_each_and_run_nothing(searched, table):
    searched("=cmd()|x", visitor=1, total=0)
    searched("@sum(1)", visitor=1, seconds=9, total=0)
    for number in range(6):
        searched("+lamp", visitor=number)
    columns, *rows = csv.reader(io.StringIO(csv_of(MAY, table, least=1).removeprefix("\ufeff")))
    assert rows
    assert all(len(row) == len(columns) for row in rows)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    if table in ("top", "zero", "slow", "reformulations"):
        assert not [row for row in csv.reader(io.StringIO(csv_of(MAY, table, least=2))) if "cmd()" in row[0]]


@pytest.mark.slow
def test_the_page_costs_the_same_however_much_was_searched(merchandiser, searched):
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert merchandiser.get(PAGE, {"from": "2026-05-01", "to": "2026-05-10"}).status_code == 200
        return len(asked)

    searched()
    cost()
    few = cost()
    for number in range(20):
        searched(f"query {number}", visitor=number, days=number % 7, clicks=(1,), device="tablet")
    assert cost() == few


PAGE = "/admin/search/loggedsearch/report/"


def test_the_page_says_what_was_found_and_leads_on(sign_in, searched, settings):
    settings.SEARCH_POPULAR_VISITORS = 2
    searched("unicorn horn", visitor=1, total=0)
    searched("unicorn horn", visitor=2, total=0)
    searched("my secret illness", visitor=3, total=0)
    asked = {"from": "2026-05-01", "to": "2026-05-10", "table": "zero"}
    page = sign_in("merchandiser").get(PAGE, asked).content.decode()
    assert "unicorn horn" in page
    assert "/admin/search/synonym/add/?words=unicorn+horn" in page
    assert "/admin/search/rule/add/?name=unicorn+horn" in page
    assert "secret" not in page, "what one visitor typed is in no figure"
    assert "secret" not in sign_in("administrator").get(PAGE, asked).content.decode()


def test_a_period_without_searches_says_so(merchandiser, db):
    assert "Nobody searched" in merchandiser.get(PAGE).content.decode()


@pytest.mark.slow
def test_who_may_see_what(sign_in, searched):
    searched()
    for group, report, log in (("nobody", 403, 403), ("viewer", 200, 403), ("administrator", 200, 200)):
        client = sign_in(group)
        assert client.get(PAGE).status_code == report
        assert client.get(f"{PAGE}top.csv").status_code == report
        assert client.get("/admin/search/loggedsearch/").status_code == log
    assert client.get(f"{PAGE}no-such.csv").status_code == 404
    assert "chair" in client.get("/admin/search/loggedsearch/", {"q": "CHA"}).content.decode()
