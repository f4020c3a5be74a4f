"""When a rule holds: words, category, shoppers, schedule and priority."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from catalog import services
from catalog.models import Category, Product
from recommend.events.models import Shopper
from search.merchandising import outcome_for
from search.merchandising.redirects import check_redirect
from search.merchandising.rules import patterns_of
from search.merchandising.segments import segments_of
from search.models import Revision, Rule, RuleAction
from search.remembered import forget, look_again

pytestmark = pytest.mark.django_db


def rule(**fields: object) -> Rule:
    made = Rule.objects.create(**{"name": "Rule", "match": "any", **fields})
    look_again()
    return made


def held(q: str, category: str = "", **more: object) -> list[str]:
    return [name for _, name in outcome_for(q, category, **more).rules]


@pytest.mark.parametrize(
    ("match", "line", "q", "holds"),
    [
        ("exact", "garden chair", "garden chair", True),
        ("exact", "garden chair", "  Garden CHAIRS ", True),
        ("exact", "garden chair", "chair garden", False),
        ("exact", "garden chair", "red garden chair", False),
        ("exact", "café", "cafe", True),
        ("contains", "garden chair", "chairs for a small garden", True),
        ("contains", "garden chair", "garden table", False),
        ("contains", "chair", "armchair", False),
        ("starts", "garden", "garden chair", True),
        ("starts", "garden ch", "garden chairs", True),
        ("starts", "garden", "red garden", False),
        ("contains", "椅子", "折りたたみ椅子", True),
        ("exact", "椅子", "折りたたみ椅子", False),
        ("contains", ".*", "anything", False),
        ("contains", "(a+)+$", "a" * 200, False),
    ],
)
def test_words(match, line, q, holds):
    rule(match=match, queries=line)
    assert bool(held(q)) is holds


def test_any_of_the_lines_will_do():
    rule(match="exact", queries="sofa\ncouch\n\nsettee")
    assert held("couch")
    assert held("settee")
    assert not held("sofa couch")


def test_a_rule_without_words_holds_for_all_or_for_browsing():
    rule(name="all", match="any")
    rule(name="browsing", match="none")
    rule(name="words", match="contains", queries="cup")
    assert held("cup") == ["all", "words"]
    assert held("") == ["all", "browsing"]


def test_lines_without_a_word_are_no_pattern():
    assert patterns_of("!!!\n\n ... \n") == ()
    rule(match="contains", queries="!!!")
    assert not held("!!!")


def test_a_category_and_all_below_it():
    home = services.add_category("Home")
    kitchen = services.add_category("Kitchen", home)
    services.add_category("Garden")
    rule(category=Category.objects.get(pk=home.pk))
    assert held("cup", "kitchen")
    assert held("cup", "home")
    assert not held("cup", "garden")
    assert not held("cup")
    assert not held("cup", "no-such")
    services.move_category(Category.objects.get(pk=kitchen.pk), Category.objects.get(slug="garden"))
    assert not held("cup", "kitchen")  # the tree is looked at as it is now


def test_segments_are_asked_for_only_where_a_rule_needs_them():
    def never() -> set[str]:
        raise AssertionError("asked for")

    rule(match="exact", queries="cup", segment="returning", name="R")
    assert held("chair", segment=never) == []
    assert held("cup", segment=lambda: {"returning", "signed-in"}) == ["R"]
    assert held("cup", segment={"new"}) == []


def test_who_is_new_and_who_returns(django_user_model):
    long_ago = timezone.now() - timedelta(days=3)
    assert segments_of(None) == {"new"}
    assert segments_of(Shopper.objects.create()) == {"new"}
    assert segments_of(Shopper.objects.create(created_at=long_ago)) == {"returning"}
    account = Shopper.objects.create(created_at=long_ago, user=django_user_model.objects.create_user("ann"))
    assert segments_of(account) == {"returning", "signed-in"}


def test_segments_that_cannot_be_told_are_none(settings):
    settings.SEARCH_SEGMENTS = "tests.search.merchandising.broken"
    assert segments_of(None) == frozenset()
    settings.SEARCH_SEGMENTS = ""
    assert segments_of(None) == frozenset()


def test_schedules():
    now = timezone.now()
    rule(name="upcoming", starts_at=now + timedelta(hours=1))
    rule(name="over", ends_at=now - timedelta(hours=1))
    rule(name="on", starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1))
    rule(name="off", enabled=False)
    assert held("cup") == ["on"]
    assert held("cup", at=now + timedelta(hours=2)) == ["upcoming"]
    assert held("cup", at=now - timedelta(hours=2)) == ["over"]


def test_the_higher_priority_leads_and_of_equals_the_older():
    rule(name="second", redirect_to="/c/second")
    rule(name="third", redirect_to="/c/third")
    rule(name="first", priority=5, redirect_to="/c/first")
    assert held("cup") == ["first", "second", "third"]
    assert outcome_for("cup").redirect == "/c/first"


def test_a_change_is_seen_after_the_next_look_and_costs_one_query(django_assert_num_queries):
    made = rule()
    assert held("cup")
    with django_assert_num_queries(0):
        held("cup")
    look_again()
    with django_assert_num_queries(1):
        held("cup")
    made.delete()
    look_again()
    assert not held("cup")


def test_another_process_sees_an_action_that_is_added():
    made = rule()
    token = Revision.objects.get(name="rules").token
    RuleAction.objects.create(rule=made, kind="hide", product=services.save_product(Product(sku="A-1", title="Cup")))
    assert Revision.objects.get(name="rules").token != token
    forget()
    assert len(outcome_for("cup").actions) == 1


@pytest.mark.parametrize("address", ["/", "/c/garden?sort=price", "https://example.com/help#returns"])
def test_addresses_that_a_rule_may_lead_to(address):
    check_redirect(address)


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example", "/\\evil.example", "http://example.com", "javascript:alert(1)", "data:text/html,x",
        "c/garden", "/a\r\nSet-Cookie: a=b",
        "https://", "https://user:word@example.com", "https://exa mple.com", "https:example.com",
        "/a b", "https://example.com\\@evil.example",
    ],
)  # fmt: skip
def test_addresses_that_it_may_not(address):
    with pytest.raises(ValidationError):
        check_redirect(address)
