"""From a search to a click and into the cart, in a real browser: each names the search."""

import pytest
from playwright.sync_api import Page

from recommend.events.models import Event
from search.models import LoggedSearch

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def event(page: Page, kind: str) -> Event:
    for _ in range(300):
        if found := Event.objects.filter(kind=kind).select_related("shopper").order_by("-pk").first():
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"No {kind} arrived: {list(Event.objects.values_list('kind', flat=True))}")


def test_a_click_on_a_hit_and_the_cart_after_it_name_the_search(visit, settings, indexed):
    settings.SEARCH_LOG_SAMPLE, settings.SEARCH_LOG_SECONDS = 1, 0
    settings.SEARCH_PAGE_SIZE = 1
    page = visit()
    page.goto("/search?q=espresso cup")
    cards = page.locator("#grid .card")
    page.get_by_role("link", name="Show more").click()
    cards.nth(1).wait_for()
    second = LoggedSearch.objects.get(page=2)
    sku = cards.nth(1).get_attribute("data-sku")
    cards.nth(1).locator("h3 a").click()
    page.wait_for_url("**/p/**")
    click = event(page, "click")
    assert (click.search_id, click.position, click.surface) == (second.pk, 1, "search"), "of the page that it came with"
    assert second.shown == [click.product_id] == [indexed[sku].pk]
    assert click.shopper.key == second.visitor
    page.get_by_role("button", name="Add to cart").first.click()
    assert event(page, "cart").search_id == second.pk
