"""What a shopper does, in a real browser: on a phone and on a desk, by day and by night, with and without a mouse."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from catalog.models import Product
from search.language import collecting
from tests.search.shop.conftest import picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
PHONE, DESK = 390, 1280


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console says is wrong."""
    return []


@pytest.fixture(
    params=[(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")], ids=lambda each: f"{each[0]}-{each[1]}"
)
def page(request, browser: Browser, live_server, indexed, complaints: list[str]) -> Iterator[Page]:
    """A new visitor, who ends without an error in the console: no script failed and no policy was violated."""
    width, scheme = request.param
    with browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        reduced_motion="reduce",
        base_url=live_server.url,
    ) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert complaints == []


wide = pytest.mark.parametrize("page", [(DESK, "light")], indirect=True, ids=["desk"])
both = pytest.mark.parametrize("page", [(PHONE, "dark"), (DESK, "light")], indirect=True, ids=["phone", "desk"])


def at_most(page: Page, price: str) -> None:
    """Set a filter: on a phone it lies behind a button."""
    opener = page.get_by_role("button", name="Filters")
    behind = opener.is_visible()
    if behind:
        opener.click()
    highest = page.get_by_label("Highest price")
    highest.fill(price)
    highest.press("Tab")
    page.wait_for_url(f"**price_max={price}*")
    if behind:
        page.get_by_role("button", name="Show the results").click()


def cards(page: Page):
    return page.locator("#grid h3")


def test_a_shopper_searches_filters_and_opens_a_product(page: Page):
    page.goto("/")
    box = page.get_by_role("combobox").first
    box.fill("espresso")
    box.press("Enter")
    expect(cards(page)).to_have_count(3)
    at_most(page, "12")
    expect(cards(page)).to_have_text(["Espresso cup, red"])
    assert "q=espresso" in page.url, "the address holds the whole search"
    page.get_by_role("link", name="Espresso cup, red", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Espresso cup, red")
    expect(page.locator(".buy .price")).to_contain_text("€9.00")
    page.go_back()
    expect(cards(page)).to_have_text(["Espresso cup, red"])
    page.get_by_role("link", name="Remove the filter Up to 12").click()
    expect(cards(page)).to_have_count(3)


def test_a_shopper_uploads_a_picture_and_adds_words(page: Page):
    page.goto("/")
    page.locator("#hero-picture").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": picture("#c0392b", shape="ellipse")}
    )
    page.wait_for_url("**/search?picture=*")
    expect(cards(page).first).to_have_text("Espresso cup, red")
    expect(page.get_by_alt_text("The picture you are searching with")).to_be_visible()
    page.locator("#top-q").fill("chair")
    page.locator("#top-q").press("Enter")
    page.wait_for_url("**picture=*q=chair")
    page.get_by_role("link", name="Without the picture").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("“chair”")


def test_no_page_is_wider_than_the_screen(page: Page, indexed: dict[str, Product]):
    for address in ADDRESSES:
        page.goto(address)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{address} scrolls sideways"


def test_pages_are_accessible(page: Page):
    axe = Axe()
    for address in ADDRESSES:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        found = axe.run(page).response["violations"]
        serious = [
            (each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], address


@wide
def test_the_theme_can_be_changed_and_stays(page: Page):
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto("/")
    light = page.evaluate(ground)
    page.get_by_role("button", name="Change between light and dark").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.goto("/search")
    assert page.evaluate(ground) == dark


@wide
def test_suggestions_can_be_taken_by_keyboard_alone(page: Page):
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    box = page.locator("#top-q")
    expect(box).to_be_focused()
    with page.expect_response(re.compile(r"q=deck\b")):  # the answer to "dec" may come before, and is drawn over
        page.keyboard.type("deck")
    option = page.get_by_role("option", name="Deck chair")
    expect(option.last).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(option.last).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == option.last.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Deck chair")


def test_an_error_while_typing_is_forgiven(page: Page):
    collecting.refresh()
    page.goto("/")
    box = page.get_by_role("combobox").first
    box.press_sequentially("esprs")
    expect(page.get_by_role("option", name="espresso", exact=True)).to_be_visible()
    expect(page.get_by_role("option").get_by_text("Espresso cup, red")).to_be_visible()
    expect(page.get_by_role("group", name="Products").locator("img").first).to_be_visible()
    serious = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
    assert serious == []


@wide
def test_own_searches_are_offered_and_can_be_removed_by_keyboard(page: Page, settings):
    settings.EVENTS_FILTER_BOTS = False  # a driven browser says that it is one
    for words in ("folding chair", "reading lamp"):
        with page.expect_response("**/api/v1/events"):
            page.goto(f"/search?q={words}")
    page.goto("/")
    box = page.locator("#top-q")
    box.click()
    own = page.get_by_role("group", name="Your searches").get_by_role("option")
    expect(own).to_have_count(3)
    box.press("ArrowDown")
    expect(own.first).to_have_attribute("aria-selected", "true")
    expect(own.first).to_contain_text("reading lamp")
    expect(own.first).to_have_accessible_name(re.compile("press Delete"))
    with page.expect_response("**/api/v1/suggest/history?q=reading%20lamp"):
        box.press("Delete")
    expect(own).to_have_count(2)
    expect(own.first).to_contain_text("folding chair")
    expect(box).to_be_focused()
    box.press("ArrowUp")
    box.press("Enter")  # the last one removes all
    expect(own).to_have_count(0)


@wide
def test_filters_work_by_keyboard_and_keep_their_place(page: Page):
    page.goto("/search")
    acme = page.locator("#facets").get_by_label("Acme")
    acme.focus()
    page.keyboard.press("Space")
    page.wait_for_url("**brand=acme")
    expect(cards(page)).to_have_count(3)
    expect(page.locator("#facets").get_by_label("Acme")).to_be_focused()
    expect(page.locator("#announce")).to_contain_text("3 products")


def share(page: Page, name: str) -> float:
    return float(page.locator(f"[name=region_{name}]").input_value())


@both
def test_a_part_of_a_picture_is_chosen_by_dragging(page: Page):
    page.goto("/search?image_of=CUP-red&q=blue")
    page.get_by_text("Choose a part").click()
    stage = page.locator("[data-region-stage]").bounding_box()
    assert stage
    assert stage["x"] + stage["width"] <= page.viewport_size["width"], "all of the picture is on the screen"
    at = lambda x, y: (stage["x"] + x * stage["width"], stage["y"] + y * stage["height"])  # noqa: E731
    page.mouse.move(*at(0.2, 0.1))
    page.mouse.down()
    page.mouse.move(*at(0.7, 0.6), steps=4)
    page.mouse.up()
    assert [round(share(page, edge) / 5) * 5 for edge in ("x", "y", "width", "height")] == [20, 10, 50, 50]
    page.mouse.move(*at(0.45, 0.35))  # within the rectangle: it moves
    page.mouse.down()
    page.mouse.move(*at(0.95, 0.35), steps=4)
    page.mouse.up()
    assert round(share(page, "x")) == 50, "it stays inside the picture"
    assert round(share(page, "width") / 5) * 5 == 50
    page.mouse.move(*at(0.5, 0.6))  # its lower left corner
    page.mouse.down()
    page.mouse.move(*at(0.6, 0.9), steps=4)
    page.mouse.up()
    assert [round(share(page, edge) / 5) * 5 for edge in ("x", "y", "width", "height")] == [60, 10, 40, 80]
    page.get_by_role("button", name="Search with this part").click()
    page.wait_for_url("**crop=*")
    assert "q=blue" in page.url
    expect(page.locator(".region-mark")).to_be_visible()
    page.get_by_text("A part of it").click()
    page.get_by_role("link", name="Whole picture").click()
    expect(page.get_by_text("Choose a part")).to_be_visible()
    assert "crop" not in page.url


@wide
def test_a_part_of_a_picture_is_chosen_by_keyboard(page: Page):
    page.goto("/search?image_of=CUP-red")
    opener = page.locator("[data-region] summary")
    opener.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Width").fill("50")
    page.get_by_label("Height").fill("60")
    box = page.locator("[data-region-box]")
    box.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    assert [share(page, edge) for edge in ("x", "y", "width", "height")] == [4, 2, 48, 60]
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(box).to_be_hidden()
    page.keyboard.press("Enter")
    box.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**crop=0.04%2C0.02%2C0.48%2C0.6*")


@both
def test_pictures_are_added_to_a_search_and_taken_out(page: Page):
    page.goto("/search?image_of=CUP-red&q=cup")
    page.get_by_label("Add another picture").click()
    page.locator("#add-picture").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": picture("#2d5fd0", shape="ellipse")}
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("Like these pictures, and “cup”")
    assert "image_of=CUP-red" in page.url
    page.get_by_role("link", name="Remove Espresso cup, red").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Like this picture, and “cup”")
    expect(cards(page).first).to_have_text("Espresso cup, blue")


@wide
def test_a_bad_picture_is_refused_on_the_page(page: Page, complaints: list[str]):
    page.goto("/search/picture")
    page.locator("#page-picture").set_input_files(
        {"name": "page.jpg", "mimeType": "text/html", "buffer": b"<html><script>alert(1)</script></html>"}
    )
    expect(page.get_by_role("alert")).to_be_visible()
    assert all("status of 400" in each for each in complaints)
    complaints.clear()


@wide
def test_a_product_page_brings_rows_of_similar_products(page: Page, indexed: dict[str, Product]):
    page.goto(indexed["LAMP-1"].get_absolute_url())
    page.get_by_role("link", name="Picture 2 of 2").click()
    expect(page.get_by_role("link", name="Picture 2 of 2")).to_have_attribute("aria-current", "true")
    page.keyboard.press("End")
    row = page.get_by_role("region", name="You may also like")
    expect(row.get_by_role("heading", name="Espresso cup").first).to_be_visible()


def test_the_shop_works_without_scripts(browser: Browser, live_server, indexed):
    with browser.new_context(java_script_enabled=False, base_url=live_server.url) as context:
        page = context.new_page()
        page.goto("/search")
        page.get_by_label("Acme").check()
        page.get_by_role("button", name="Apply").click()
        expect(cards(page)).to_have_count(3)
        page.goto("/search/picture")
        page.locator("#page-picture").set_input_files(
            {"name": "mine.png", "mimeType": "image/png", "buffer": picture("#c0392b")}
        )
        page.get_by_role("main").get_by_role("button", name="Search with this picture").click()
        expect(cards(page).first).to_have_text("Espresso cup, red")
        page.get_by_text("Choose a part").click()
        page.get_by_label("Width").fill("60")
        page.get_by_role("button", name="Search with this part").click()
        page.wait_for_url("**crop=0%2C0%2C0.6%2C1*")


ADDRESSES = [
    "/", "/search", "/search?q=cup&brand=acme", "/search?q=zzzzqqq", "/search/picture",
    "/search?image_of=CUP-red&image_of=CUP-blue&crop=0,0,.5,.5", "/c/home", "/b/acme",
    "/s/corner-shop", "/promo/kitchen-week", "/collection/first-flat", "/p/reading-lamp",
]  # fmt: skip


@wide
def test_what_was_understood_is_a_chip_that_can_be_taken_off(page: Page, indexed):
    from search.language import collecting, learning

    collecting.refresh(at_once=True)
    learning.learn()
    page.goto("/search?q=cup+under+13")
    chips = page.get_by_role("list", name="Understood from your words")
    expect(chips.get_by_text("Up to 13 EUR")).to_be_visible()
    expect(page.locator("#count")).to_contain_text("2 products")
    serious = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
    assert serious == []
    chip = chips.get_by_role("link", name="Up to 13 EUR")
    chip.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**literal=under*")
    expect(page.get_by_text("Up to 13 EUR")).to_have_count(0)
    expect(page.locator("#count")).to_contain_text("3 products")
