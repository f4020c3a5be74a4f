"""What a shopper does with recommendations, the cart and their own data, in a real browser."""

from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from catalog.models import Product, Promotion
from recommend.events.models import Event, Shopper
from search.bulkhead import Overloaded
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PHONE, DESK = 390, 1280


@pytest.fixture(
    params=[(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")], ids=lambda each: f"{each[0]}-{each[1]}"
)
def page(request, visit) -> Page:
    return visit(*request.param)


@pytest.fixture
def many(hits):
    """Sixty hits of different heights: titles and reasons are long or short."""
    return [
        replace(hits[index % len(hits)], reason="Because you looked at it. " * (1 + index * 7 % 5))
        for index in range(60)
    ]


def row(page: Page, name: str):
    region = page.get_by_role("region", name=name, exact=True)
    for _ in range(200):
        if region.locator(".card, .maker, .offer-card").count():
            break
        page.mouse.wheel(0, 500)
        page.wait_for_timeout(150)
    return region


def until(page: Page, kind: str, count: int = 1) -> None:
    """Wait until the log has so many events of a kind."""
    for _ in range(300):
        if Event.objects.filter(kind=kind).count() >= count:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"No {kind} arrived: {list(Event.objects.values_list('kind', flat=True))}")


def test_a_shopper_fills_the_cart_and_places_a_demonstration_order(page: Page, indexed):
    page.goto(indexed["CUP-red"].get_absolute_url())
    page.get_by_label("How many").fill("2")
    page.get_by_role("button", name="Add to cart", exact=True).click()
    expect(page.get_by_role("link", name="Cart, 2 things")).to_be_visible()
    expect(page.locator("#said")).to_contain_text("Espresso cup, red is in your cart.")
    page.get_by_role("link", name="To the cart").click()
    quantity = page.get_by_label("How many of Espresso cup, red")
    quantity.fill("3")
    quantity.press("Tab")
    expect(page.locator(".cart-sum .price")).to_have_text("€27.00")
    expect(page.get_by_role("link", name="Cart, 3 things")).to_be_visible()
    page.get_by_role("button", name="Place a demonstration order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("That was a demonstration order")
    expect(page.get_by_role("main")).to_contain_text("€27.00")
    assert Event.objects.get(kind="purchase").quantity == 3


def test_a_card_goes_into_the_cart_and_a_size_is_chosen_first(visit, indexed):
    page = visit()
    page.goto("/search")
    page.get_by_role("button", name="Add Folding chair to the cart").click()
    expect(page.get_by_role("link", name="Cart, 1 thing")).to_be_visible()
    assert page.url.endswith("/search"), "the page stands"
    page.get_by_role("link", name="Choose a version of Reading lamp").click()
    page.get_by_role("link", name="Small").click()
    page.get_by_role("button", name="Add to cart", exact=True).click()
    expect(page.get_by_role("link", name="Cart, 2 things")).to_be_visible()
    page.goto("/cart")
    page.get_by_role("button", name="Take Folding chair out of the cart").click()
    expect(page.locator(".cart-line")).to_have_count(1)


def test_not_for_me_acts_at_once_and_is_taken_back_by_keyboard(visit, indexed):
    page = visit()
    page.goto(indexed["LAMP-1"].get_absolute_url())
    similar = row(page, "You may also like")
    card = similar.locator(".card").first
    title = card.locator("h3").inner_text()
    card.get_by_role("button", name=f"Not for me: {title}").focus()
    page.keyboard.press("Enter")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(similar.get_by_role("link", name=title, exact=True)).to_be_hidden()
    page.reload()
    expect(row(page, "You may also like").locator(".card").first).to_be_visible()
    expect(row(page, "You may also like").get_by_role("link", name=title, exact=True)).to_have_count(0)

    card = row(page, "You may also like").locator(".card").first
    title = card.locator("h3").inner_text()
    card.get_by_role("button", name=f"Not for me: {title}").click()
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, "You may also like").get_by_role("link", name=title, exact=True)).to_be_focused()
    assert Event.objects.filter(kind="not-for-me").count() == 1


def test_why_this_opens_beside_the_card_and_closes_by_escape(page: Page, indexed):
    page.goto(indexed["LAMP-1"].get_absolute_url())
    opener = row(page, "You may also like").get_by_role("button", name="Why this?").first
    opener.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog").filter(visible=True)
    expect(panel).to_contain_text("much like Reading lamp")
    expect(panel).to_contain_text("Compared by")
    box, width = panel.bounding_box(), page.viewport_size["width"]
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(opener).to_be_focused()


def test_a_waterfall_goes_on_as_the_page_scrolls_and_ends(page: Page, surface, many):
    surface("for-you", many, title="For you")
    page.goto("/")
    feed = page.locator(".waterfall")
    for _ in range(80):
        if page.get_by_text("That is all for now").is_visible():
            break
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(120)
    expect(feed.locator(".card")).to_have_count(60)
    boxes = feed.locator(".card").evaluate_all(
        "cards => cards.map(card => card.getBoundingClientRect()).map(box => [box.left, box.top, 0, box.bottom])"
    )
    tops = [box[1] for box in boxes]
    assert tops == sorted(tops), "whoever goes on by keyboard never goes up"
    columns = {round(box[0]) for box in boxes}
    assert len(columns) >= 2
    for left in columns:
        column = sorted(box for box in boxes if round(box[0]) == left)
        gaps = [after[1] - before[3] for before, after in pairwise(column)]
        assert all(0 <= gap < 80 for gap in gaps), f"cards overlap, or leave holes: {gaps}"


def test_a_row_that_a_busy_process_had_no_place_for_comes_a_moment_later(visit, surface, many):
    busy = surface("for-you", many, title="For you", error=Overloaded("There are too many recommendations."))
    page = visit()
    page.goto("/")
    page.get_by_role("region", name="For you", exact=True).scroll_into_view_if_needed()
    wait_for(lambda: bool(busy.asked))
    busy.error = None
    expect(page.locator(".waterfall .card").first).to_be_visible()


def test_who_is_turned_away_below_a_list_stays_on_the_way_on(visit, surface, many):
    busy = surface("trending", many * 4)
    page = visit()
    page.goto("/discover/trending?as=list&offset=30")
    busy.error = Overloaded("There are too many recommendations.")
    more = page.get_by_role("link", name="Show more")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-more][hx-get*='again=']")).to_be_focused()
    busy.error = None
    expect(page.locator(".card").nth(10).locator("h3 a")).to_be_focused()


def test_show_more_by_keyboard_goes_on_reading_at_the_first_new_card(visit, surface, many):
    surface("trending", many * 4)
    page = visit()
    page.goto("/discover/trending?as=list&offset=30")
    more = page.get_by_role("link", name="Show more")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card").nth(10).locator("h3 a")).to_be_focused()
    assert "offset=30" in page.url, "the page stands"


def test_without_scripts_recommendations_have_pages(visit, surface, many, indexed):
    surface("for-you", many, title="For you")
    page = visit(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="For you").click()
    expect(page.locator(".card")).to_have_count(24)
    page.get_by_role("link", name="Show more").click()
    assert "offset=24" in page.url
    page.get_by_role("link", name="List").click()
    expect(page.locator(".hits-list .card").first).to_be_visible()
    chair = page.locator(".card").filter(has_text="Folding chair").first
    chair.get_by_role("button", name="Add Folding chair to the cart").click()
    expect(page.get_by_role("link", name="Cart, 1 thing")).to_be_visible()
    assert "/discover/for-you" in page.url
    page.locator(".card").first.get_by_role("button", name="Not for me").click()
    expect(page.get_by_text("will not be recommended to you any more")).to_be_visible()


def test_what_is_looked_at_changes_the_next_answer(visit, indexed):
    page = visit()
    page.goto("/")
    expect(page.get_by_role("heading", name="More for you")).to_have_count(0)
    page.goto(indexed["CHAIR-1"].get_absolute_url())
    until(page, "view")
    page.goto("/search?q=espresso")
    until(page, "search")
    page.locator("#grid h3 a").first.click()
    until(page, "click")
    click = Event.objects.get(kind="click")
    assert (click.surface, click.position, click.query) == ("search", 0, "espresso")
    assert Shopper.objects.count() == 1
    page.goto("/you")
    main = page.get_by_role("main")
    expect(main).to_contain_text("Folding chair")
    expect(main).to_contain_text("“espresso”")
    page.goto("/discover/for-you?as=list")
    expect(page.get_by_role("main")).to_contain_text("Folding chair")
    expect(page.locator(".why").first).to_contain_text("you looked at")


def test_one_shopper_on_two_devices_sees_the_same(visit, indexed):
    Product.objects.filter(sku="CHAIR-2").update(stock=3)  # beside the lamp, for the cups are one family
    desk, phone = visit(DESK), visit(PHONE, "dark")
    desk.goto(indexed["CUP-red"].get_absolute_url())
    until(desk, "view")
    desk.goto("/sign-up?next=/you")
    desk.get_by_label("E-mail").fill("ada@example.com")
    desk.get_by_label("Password", exact=True).fill("correct horse 9")
    desk.get_by_label("Password confirmation").fill("correct horse 9")
    desk.get_by_role("button", name="Make the account").click()
    expect(desk.get_by_role("main")).to_contain_text("Espresso cup, red")
    phone.goto("/sign-in")
    phone.get_by_label("E-mail").fill("ada@example.com")
    phone.get_by_label("Password").fill("correct horse 9")
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.get_by_role("main")).to_contain_text("Espresso cup, red")
    phone.goto(indexed["CHAIR-1"].get_absolute_url())
    until(phone, "view", 2)
    answers = []
    for device in (desk, phone):
        device.goto("/discover/for-you?as=list")
        answers.append(device.locator(".card h3, .card .why").all_inner_texts())
    assert answers[0] == answers[1] != []
    title = answers[0][0]
    phone.get_by_role("button", name=f"Not for me: {title}").click()
    expect(phone.get_by_role("button", name="Undo")).to_be_visible()
    desk.reload()
    expect(desk.locator(".card").first).to_be_visible()
    expect(desk.get_by_role("link", name=title, exact=True)).to_have_count(0)


def test_the_personal_order_is_switched_off_beside_the_results(visit, indexed):
    page = visit()
    page.goto("/search?q=espresso")
    switch = page.get_by_role("switch", name="Personalised order")
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()
    assert page.url.endswith("/search?q=espresso")
    page.goto("/you")
    expect(page.get_by_role("switch", name="Personal recommendations")).not_to_be_checked()


def test_nothing_found_shows_what_is_wanted(visit, surface, hits):
    surface("trending", hits)
    page = visit(PHONE)
    page.goto("/search?q=zzzzqqq")
    expect(row(page, "What others look at just now").locator(".card").first).to_be_visible()


def test_consent_is_asked_for_and_remembered(visit, settings, indexed):
    settings.EVENTS_REQUIRE_CONSENT = True
    page = visit(PHONE)
    page.goto(indexed["CUP-red"].get_absolute_url())
    banner = page.get_by_role("region", name="May we remember")
    expect(banner).to_be_visible()
    page.wait_for_timeout(1500)
    assert not Event.objects.exists()
    banner.get_by_role("button", name="Yes, remember").click()
    expect(banner).to_have_count(0)
    until(page, "view")
    assert Event.objects.filter(kind="view", shopper__isnull=False).exists()


def test_history_is_forgotten_entry_by_entry_and_whole(visit, indexed):
    page = visit()
    for sku in ("CUP-red", "CHAIR-1"):
        page.goto(indexed[sku].get_absolute_url())
        until(page, "view", 1 if sku == "CUP-red" else 2)
    page.goto("/you")
    page.get_by_role("button", name="Forget: View, Folding chair").click()
    expect(page.locator(".history li")).to_have_count(1)
    page.get_by_text("Forget my history").click()
    page.get_by_role("button", name="Yes, forget all of it").click()
    expect(page.get_by_role("main")).to_contain_text("There is nothing in it.")
    assert not Event.objects.exists()


PAGES = [
    "/", "/p/espresso-cup-red", "/p/reading-lamp", "/search?q=cup", "/search?q=zzzzqqq", "/cart", "/you", "/sign-up",
    "/discover/for-you", "/discover/for-you?as=list", "/discover/stores", "/discover/promotions",
]  # fmt: skip


@pytest.fixture
def full(surface, hits, indexed) -> None:
    """Every surface has something to show, part of it paid for."""
    cup, week = indexed["CUP-red"], Promotion.objects.get()
    for name in ("for-you", "trending", "new-arrivals", "complements", "bought-together"):
        surface(name, hits, needs_product=name in ("complements", "bought-together"))
    surface("sponsored", [replace(hits[3], placement=uuid4())])
    surface("stores", [replace(hits[0], product=None, store=cup.store, products=tuple(hits[:3]))], hits="store")
    surface("brands", [replace(hits[0], product=None, brand=cup.brand, products=tuple(hits[:3]))], hits="brand")
    surface("promotions", [replace(hits[0], product=None, promotion=week, products=tuple(hits[:3]))], hits="promotion")


def scrolled(page: Page, address: str) -> None:
    """Open a page and bring everything on it that comes as it scrolls."""
    page.goto(address)
    for _ in range(14):
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(60)
    page.wait_for_load_state("networkidle")


def test_pages_with_recommendations_are_accessible_and_fit(page: Page, full, indexed):
    axe = Axe()
    page.goto("/search")
    page.locator("#grid").get_by_role("button", name="Add Folding chair to the cart").click()
    expect(page.get_by_role("link", name="Cart, 1 thing")).to_be_visible()
    for address in PAGES:
        scrolled(page, address)
        if opener := page.get_by_role("button", name="Why this?").all():
            opener[0].click()
        found = axe.run(page).response["violations"]
        serious = [
            (each["id"], each["nodes"][0]["html"][:300]) for each in found if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], address
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{address} scrolls sideways"
