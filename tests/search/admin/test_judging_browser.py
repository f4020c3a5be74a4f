"""Judging as a person does it: with the keyboard, in a real browser; and without the script."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from search.evaluation import transfer
from search.models import Judgment, JudgmentSet
from tests import shops

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def judged(vector_store: object, quick_encoders: None) -> JudgmentSet:
    shops.build_indexed()
    made = JudgmentSet.objects.create(name="seats")
    transfer.add_queries(made, ["chair", "cup"])
    return made


@pytest.fixture
def address(judged: JudgmentSet, live_server: LiveServer) -> str:
    query = judged.queries.get(text="chair")
    return live_server.url + reverse("admin:search_judgmentset_judge_query", args=[judged.pk, query.pk])


def context_of(browser: "Browser", live_server: LiveServer, **options: object) -> "BrowserContext":
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("judge"))
    context = browser.new_context(base_url=live_server.url, **options)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    return context


@pytest.fixture
def page(browser: "Browser", live_server: LiveServer) -> Iterator["Page"]:
    context = context_of(browser, live_server)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if "Content Security" in line.text else None)
    yield page
    context.close()
    assert not problems


def saved(page: "Page") -> None:
    page.wait_for_function("document.getElementById('relevance-said').textContent === 'Saved'")


def test_a_set_is_judged_by_keys_alone(page: "Page", address: str):
    page.goto(address)
    cards = page.locator(".relevance-card")
    skus = cards.evaluate_all("cards => cards.map(card => card.dataset.sku)")
    assert len(skus) >= 2
    page.keyboard.press("3")
    page.keyboard.press("0")
    saved(page)
    assert dict(Judgment.objects.values_list("sku", "grade")) == {skus[0]: 3, skus[1]: 0}
    page.keyboard.press("u")
    saved(page)
    assert dict(Judgment.objects.values_list("sku", "grade")) == {skus[0]: 3}
    assert cards.nth(1).get_attribute("aria-current") == "true"
    page.keyboard.press("k")
    page.keyboard.press("1")
    saved(page)
    assert dict(Judgment.objects.values_list("sku", "grade")) == {skus[0]: 1}
    page.reload()
    assert page.locator('[aria-pressed="true"]').all_inner_texts()[0].startswith("1")
    assert cards.nth(1).get_attribute("aria-current") == "true"  # where work is left
    found = Axe().run(page, context="#relevance-judge").response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
    page.keyboard.press("Control+3")
    page.keyboard.press("7")
    page.keyboard.press("n")
    page.wait_for_url(lambda url: url != address)
    assert "“cup”" in page.locator(".relevance-query").inner_text()
    assert Judgment.objects.count() == 1


def test_a_grade_that_is_not_saved_is_taken_back_and_told(page: "Page", address: str):
    def refuse(route: "Route") -> None:
        if route.request.method == "POST":
            route.fulfill(status=400, json={"error": "That went wrong."})
        else:
            route.continue_()

    page.route("**/judge/**", refuse)  # before the page is there: Chromium may let through what follows at once
    page.goto(address)
    page.keyboard.press("2")
    page.wait_for_function("document.getElementById('relevance-said').textContent.includes('That went wrong.')")
    assert not page.locator('[aria-pressed="true"]').count()


def test_without_script_a_button_is_a_form(browser: "Browser", live_server: LiveServer, address: str):
    context = context_of(browser, live_server, java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    sku = page.locator(".relevance-card").first.get_attribute("data-sku")
    page.locator(".relevance-card").first.locator("button[data-value='2']").click()
    page.wait_for_url(f"**#{sku}")
    assert Judgment.objects.get().grade == 2
    assert page.locator(".relevance-card").first.locator("[aria-pressed=true]").inner_text().startswith("2")
    context.close()
