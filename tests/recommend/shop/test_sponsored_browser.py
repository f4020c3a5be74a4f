"""sponsored.js in a real browser: who paid to be seen pays once somebody saw, and for nothing else."""

import threading
import time
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from playwright.sync_api import Page

from recommend.models import Campaign, Charge, Placement
from recommend.sponsored import ledger
from recommend.surfaces.base import Recommendation
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PAGE = "/discover/sponsored?as=list"
LONGER = 1800  # ms, than a second in view


@pytest.fixture(autouse=True)
def _patient_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database in memory, as tests have it, is one connection for all threads; one in a file lets a writer wait."""
    charge, alone = ledger.seen, threading.Lock()

    def patient(key: UUID) -> bool:
        for _ in range(300):
            try:
                with alone:
                    return charge(key)
            except OperationalError:
                time.sleep(0.02)
        return charge(key)

    monkeypatch.setattr(ledger, "seen", patient)


@pytest.fixture
def placements(hits, surface) -> list[Placement]:
    """Twenty sponsored places of one campaign, which pays for views, on the surface's page: the last ones far below."""
    store = hits[0].product.store
    campaign = Campaign.objects.create(name="Seen", store=store, charge="view", bid="0.5", budget=100, pacing="none")
    shown: list[Recommendation] = []
    made = []
    for position in range(20):
        hit = hits[position % len(hits)]
        made.append(
            Placement.objects.create(
                key=uuid4(), campaign=campaign, product=hit.product, surface="page", position=position, price="0.25"
            )
        )
        shown.append(replace(hit, placement=made[-1].key, by_view=True))
    surface("sponsored", shown)
    return made


def charged() -> list[int]:
    return sorted(Charge.objects.values_list("placement__position", flat=True))


def settled(page: Page, expected: list[int]) -> list[int]:
    """What was charged: wait until that is what is expected, and longer than a second, for what should not be there."""
    for _ in range(120):
        if charged() == expected:
            break
        page.wait_for_timeout(250)
    page.wait_for_timeout(LONGER)
    return charged()


def in_view(page: Page) -> list[int]:
    """Positions of the places of which half or more can be seen."""
    return page.locator("[data-seen]").evaluate_all(
        """cards => cards.filter(card => {
            const box = card.getBoundingClientRect();
            return Math.min(box.bottom, innerHeight) - Math.max(box.top, 0) >= box.height / 2;
        }).map(card => +card.dataset.position)"""
    )


def test_what_is_in_view_for_a_second_is_paid_for_once_and_what_is_further_down_when_it_is_reached(visit, placements):
    page = visit(390)
    page.goto(PAGE)
    seen = in_view(page)
    assert 0 < len(seen) < len(placements), "a place below the fold is what this test is about"
    assert settled(page, seen) == seen
    # There and back in the page itself: on a busy machine a second may pass between two turns of a wheel.
    page.evaluate(
        """async () => {
            scrollTo(0, 4000);
            for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
            scrollTo(0, 0);
        }"""
    )
    assert settled(page, seen) == seen, "scrolled past is not seen, and seen twice is paid for once"
    page.locator(f'[data-position="{len(seen)}"]').scroll_into_view_if_needed()
    wait_for(lambda: len(seen) in charged())
    settled(page, charged())
    assert Campaign.objects.get().spent == Decimal("0.25") * Charge.objects.count()


def test_nothing_is_seen_in_a_tab_that_is_in_the_background(visit, placements):
    page = visit()
    page.add_init_script("Object.defineProperty(document, 'visibilityState', {get: () => window.shown || 'hidden'})")
    page.goto(PAGE)
    assert settled(page, []) == []
    page.evaluate("window.shown = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
    assert settled(page, in_view(page)) == in_view(page)


def test_a_page_that_is_left_at_once_costs_nothing(visit, placements):
    page = visit()
    page.goto(PAGE, wait_until="domcontentloaded")
    page.goto("about:blank")  # at once, however busy the shop is
    time.sleep(LONGER / 1000)
    assert charged() == []
