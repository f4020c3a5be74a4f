"""events.js in a real browser: what pages say in attributes arrives in the log, and what shoppers forbid does not."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.fixtures import Settings

from catalog.models import Product
from recommend.events.models import Event, Shopper

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.recommend.events.pages"),
]
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
Open = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, live_server: Any, products: dict[str, Product], settings: Settings) -> Iterator[Open]:
    """Opens a page as a new visitor; in the end the console must be free of errors and violations of the policy."""
    # A page that is left sends its beacon under the browser's true name, which is that of a program.
    settings.EVENTS_FILTER_BOTS = False
    complaints: list[str] = []
    on_purpose = "net::ERR_FAILED"  # what a test cut off itself
    contexts: list[BrowserContext] = []

    def go(path: str = "/product", *, script: str = "", cookies: dict[str, str] | None = None, **options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, user_agent=AGENT, **options)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        context.add_cookies([{"name": k, "value": v, "url": live_server.url} for k, v in (cookies or {}).items()])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert [each for each in complaints if on_purpose not in each] == []


def arrived(number: int) -> list[Event]:
    """Wait until so many events are in the log."""
    for _ in range(300):
        events = list(Event.objects.select_related("product").order_by("happened_at", "pk"))
        if len(events) >= number:
            return events
        time.sleep(0.1)
    raise AssertionError(f"Only {[str(event) for event in events]} arrived.")


def told(events: list[Event]) -> list[str]:
    return [f"{event.kind} {event.product.sku if event.product else event.query}" for event in events]


def test_a_page_that_is_looked_at_is_a_view(visit: Open, products: dict[str, Product]) -> None:
    visit()
    [event] = arrived(1)
    assert (event.kind, event.product, event.surface, event.device) == ("view", products["A"], "product", "desktop")
    assert event.session
    assert event.shopper


def test_a_click_that_leaves_the_page_arrives_with_where_it_was(visit: Open) -> None:
    page = visit()
    page.get_by_text("beside the link").click()  # which is no click on the product
    page.get_by_role("link", name="Product B").click()
    page.wait_for_url("**/other")
    events = arrived(3)
    assert told(events) == ["view A", "click B", "search red cup"]
    assert (events[1].surface, events[1].position) == ("for-you", 3)
    assert len({event.shopper_id for event in events}) == 1
    assert len({event.session for event in events}) == 1


def test_a_page_that_is_closed_at_once_is_heard_of(visit: Open) -> None:
    page = visit()
    page.close(run_before_unload=True)
    assert told(arrived(1)) == ["view A"]


def test_other_deeds_are_named_by_the_page(visit: Open) -> None:
    page = visit()
    page.get_by_role("button", name="Like").click()
    page.get_by_role("button", name="Buy").click()
    events = arrived(4)
    assert told(events) == ["view A", "like A", "cart A", "search red cup"]
    assert events[2].quantity == 2


def test_an_event_that_did_not_get_through_is_sent_again_and_counts_once(visit: Open) -> None:
    page = visit("about:blank")
    answers = iter(["through", 503, "through"])

    def fail_once(route: Any) -> None:
        if next(answers) == 503:
            route.fetch()  # it arrives, but the answer is lost
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/events", fail_once)
    with page.expect_response("**/api/v1/events"):
        page.goto("/other")  # not before the route: what a page that was there sends, Chromium may let through
    with page.expect_response("**/api/v1/events"):
        page.evaluate("shopEvents.send('view', {sku: 'C'})")
    assert told(arrived(2)) == ["search red cup", "view C"]
    assert Event.objects.count() == 2
    assert next(answers, None) is None


def test_what_scripts_put_into_the_page_is_seen(visit: Open) -> None:
    page = visit("/other")
    page.evaluate(
        """() => { const added = document.createElement("div"); added.dataset.eventView = ""; added.dataset.sku = "D";
        document.body.append(added);
        for (const _ of [1, 2]) added.dispatchEvent(new CustomEvent("htmx:afterSettle", {bubbles: true})); }"""
    )
    assert told(arrived(2)) == ["search red cup", "view D"]


@pytest.mark.parametrize(
    ("cookies", "script", "required"),
    [
        ({"consent": "no"}, "", False),
        ({}, "Object.defineProperty(navigator, 'doNotTrack', {get: () => '1'})", False),
        ({}, "Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true})", False),
        ({}, "", True),
    ],
    ids=["refused", "do not track", "privacy control", "not asked yet"],
)
def test_who_does_not_want_it_sends_and_keeps_nothing(
    visit: Open, settings: Settings, cookies: dict[str, str], script: str, required: bool
) -> None:
    settings.EVENTS_REQUIRE_CONSENT = required
    page = visit(script=script, cookies=cookies)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate("shopEvents.send('view', {sku: 'B'}); shopEvents.flush()")
    page.get_by_role("link", name="Product B").click()
    page.wait_for_url("**/other")
    page.evaluate("shopEvents.flush({last: true})")
    assert not [url for url in sent if "events" in url and not url.endswith(".js")]
    assert page.evaluate("sessionStorage.length") == 0
    page.evaluate("document.cookie = 'consent=yes'; shopEvents.flush()")  # which is for what comes, not for what was
    page.wait_for_timeout(500)
    assert not Event.objects.exists()
    assert not Shopper.objects.exists()


def test_a_yes_here_counts_more_than_the_browsers_wish_everywhere(visit: Open, settings: Settings) -> None:
    settings.EVENTS_REQUIRE_CONSENT = True
    script = "Object.defineProperty(navigator, 'doNotTrack', {get: () => '1'})"
    visit(script=script, cookies={"consent": "yes"}, extra_http_headers={"DNT": "1"})
    assert arrived(1)[0].shopper


def test_a_page_prepared_in_the_background_is_seen_when_it_is_shown(visit: Open) -> None:
    hide = "Object.defineProperty(document, 'visibilityState', {get: () => globalThis.state ?? 'hidden'})"
    page = visit(script=hide)
    page.evaluate("shopEvents.flush()")
    page.wait_for_timeout(200)
    assert not Event.objects.exists()
    page.evaluate("globalThis.state = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
    assert told(arrived(1)) == ["view A"]


def test_without_the_means_of_secure_pages_events_have_ids_too(visit: Open) -> None:
    visit(script="Object.defineProperty(crypto, 'randomUUID', {value: undefined})")
    assert arrived(1)[0].event_id.version == 4
