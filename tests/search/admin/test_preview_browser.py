"""The preview of a rule in a real browser: it follows what is typed and chosen, and saves nothing."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect

from search.models import Rule, RuleAction
from tests import shops

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=["light", "dark"])
def context(request, browser: Browser, live_server, vector_store, quick_encoders, sign_in) -> Iterator[BrowserContext]:
    """Somebody who may all is signed in, in a shop that is indexed."""
    shops.build_indexed()
    with browser.new_context(base_url=live_server.url, color_scheme=request.param, reduced_motion="reduce") as context:
        session = sign_in("root").cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


def choose(page: Page, field: str, words: str) -> None:
    """Pick from a list that is searched as one types."""
    page.locator(f"#id_{field} + .select2").click()
    page.locator(".select2-search__field").last.fill(words)
    page.locator(".select2-results__option", has_text=words).first.click()


def test_the_preview_follows_the_form_and_saves_nothing(page: Page):
    page.goto("/admin/search/rule/add/")
    page.get_by_label("Name").fill("Picnic")
    page.get_by_label("Words").fill("cup")
    after = page.get_by_role("region", name="With this rule")
    expect(after.get_by_role("listitem").first).to_contain_text("Espresso cup")
    page.get_by_text("Add another Action").click()
    page.locator("#id_actions-0-position").fill("1")
    expect(page.locator("#id_actions-0-brand + .select2")).to_be_hidden()  # a pin has a product alone
    choose(page, "actions-0-product", "Folding chair")
    first = after.get_by_role("listitem").first
    expect(first).to_contain_text("Folding chair")
    expect(first).to_contain_text("pinned, new")
    expect(page.get_by_role("region", name="Now")).not_to_contain_text("Folding chair")
    page.get_by_label("Try it with the query").fill("laptop")
    expect(page.get_by_text("The rule does not hold for this query")).to_be_visible()
    page.get_by_label("Words").fill("")
    expect(page.get_by_text("Say which words")).to_be_visible()
    assert not Rule.objects.exists()
    report = Axe().run(page, context=".search-preview")
    assert not report.response["violations"], report.generate_report()
    page.get_by_label("Words").fill("cup")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/search/rule/")
    assert RuleAction.objects.get().product.sku == "CHAIR-1"
    assert Rule.objects.get().history.get().history_user.username == "root"


@pytest.mark.parametrize("context", ["light"], indirect=True)
def test_a_saved_rule_is_previewed_at_once(page: Page):
    rule = Rule.objects.create(name="Cups", match="contains", queries="cup")
    RuleAction.objects.create(rule=rule, kind="hide", attribute="colour", value="red")
    page.goto(f"/admin/search/rule/{rule.pk}/change/")
    expect(page.locator('[data-change="gone"]')).to_have_count(0)  # it is saved: both sides are the same
    expect(page.get_by_text("changes nothing in these results")).to_be_visible()
    page.locator("#id_actions-0-value").fill("blue")
    expect(page.locator('[data-change="gone"]')).to_contain_text("Espresso cup blue")
    expect(page.locator('[data-change="new"]')).to_contain_text("Espresso cup red")
