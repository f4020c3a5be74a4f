"""The admin of rules: the form, its preview, its history, and who may do what."""

from typing import Any

import pytest

from catalog.models import Brand, Category
from search.merchandising import outcome_for
from search.models import Rule, RuleAction
from tests.indexed import Shop, indexed_shop, shop

__all__ = ["indexed_shop", "shop"]
pytestmark = pytest.mark.django_db
LIST = "/admin/search/rule/"


def form(*actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The form as a browser posts it."""
    data = {
        "name": "Picnic", "enabled": "on", "priority": "0", "match": "contains", "queries": "cup", "category": "",
        "segment": "", "redirect_to": "", "note": "", "actions-TOTAL_FORMS": str(len(actions)),
        "actions-INITIAL_FORMS": str(sum("id" in action for action in actions)),
        "actions-MIN_NUM_FORMS": "0", "actions-MAX_NUM_FORMS": "100", **fields,
    }  # fmt: skip
    for number, action in enumerate(actions):
        data |= {f"actions-{number}-{name}": value for name, value in action.items()}
    return data


def pin(product: Any, position: int = 1) -> dict[str, Any]:
    return {"kind": "pin", "product": product.pk, "position": position}


def test_an_empty_list_says_what_a_rule_is(merchandiser):
    page = merchandiser.get(LIST).content.decode()
    assert "No rules yet" in page
    assert f"{LIST}add/" in page


def test_a_rule_is_saved_with_its_actions_in_words_and_one_record_of_it(merchandiser, shop: Shop):
    answer = merchandiser.post(f"{LIST}add/", form(pin(shop["CHAIR-1"], 2), redirect_to=""))
    assert answer.status_code == 302
    rule = Rule.objects.get()
    assert rule.told == "pin Folding chair (CHAIR-1) at 2"
    assert [(record.history_type, record.told) for record in rule.history.all()] == [("+", rule.told)]
    assert outcome_for("cup").pins == (shop["CHAIR-1"].pk,)
    action = rule.actions.get()
    volt = Brand.objects.get(slug="volt")
    changed = form({"id": action.pk, "rule": rule.pk, "DELETE": "on", **pin(shop["CHAIR-1"], 2)},
                   {"kind": "boost", "brand": volt.pk, "factor": "3"})  # fmt: skip
    assert merchandiser.post(f"{LIST}{rule.pk}/change/", changed).status_code == 302
    rule.refresh_from_db()
    assert rule.told == "boost brand Volt by 3"
    page = merchandiser.get(f"{LIST}{rule.pk}/history/").content.decode()
    assert "pin Folding chair (CHAIR-1) at 2" in page
    assert "boost brand Volt by 3" in page
    assert "merchandiser" in page
    listed = merchandiser.get(LIST).content.decode()
    assert "boost brand Volt by 3" in listed
    assert "the query contains the words “cup”" in listed


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"queries": ""}, "Say which words"),
        ({"queries": "!!!"}, "holds no word"),
        ({"queries": "\n".join(f"word {n}" for n in range(31))}, "At most 30 lines"),
        ({"queries": "word " * 33}, "more words than a search reads"),
        ({"match": "none"}, "Say which category"),
        ({"redirect_to": "javascript:alert(1)"}, "Begin with /"),
        ({"redirect_to": "//evil.example"}, "another host"),
        ({"match": "any", "redirect_to": "/c/home"}, "Every search would lead there"),
        ({"segment": "rich"}, "Select a valid choice"),
        ({"priority": "5000"}, "less than or equal to 1000"),
        ({"name": ""}, "required"),
    ],
)
def test_the_form_and_the_preview_say_what_is_wrong(merchandiser, fields, sentence):
    page = merchandiser.post(f"{LIST}add/", form(**fields))
    assert page.status_code == 200
    assert sentence in page.content.decode()
    preview = merchandiser.post(f"{LIST}preview/", form(**fields))
    assert preview.status_code == 200
    assert sentence in preview.content.decode()
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ({"kind": "hide"}, "none is chosen"),
        ({"kind": "pin", "position": 1, "attribute": "colour", "value": "red"}, "Only a product can be pinned"),
        ({"kind": "hide", "attribute": "colour"}, "An attribute needs its name and its value"),
        ({"kind": "boost", "attribute": "colour", "value": "red", "factor": "100"}, "less than or equal to 10"),
        ({"kind": "boost", "attribute": "colour", "value": "red", "factor": "nan"}, "Enter a number"),
        ({"kind": "pin", "product": "999999", "position": 1}, "Select a valid choice"),
        ({"kind": "explode", "attribute": "colour", "value": "red"}, "Select a valid choice"),
    ],
)
def test_actions_at_fault_are_refused(merchandiser, action, sentence):
    page = merchandiser.post(f"{LIST}add/", form(action))
    assert sentence in page.content.decode()
    assert not RuleAction.objects.exists()


@pytest.mark.slow
def test_a_pin_needs_a_position_and_one_target_is_enough(merchandiser, shop: Shop):
    page = merchandiser.post(f"{LIST}add/", form({"kind": "pin", "product": shop["CUP-red"].pk})).content.decode()
    assert "Say at which position" in page
    brand = Brand.objects.get(slug="volt").pk
    both = {"kind": "hide", "product": shop["CUP-red"].pk, "brand": brand}
    assert "not product and brand at once" in merchandiser.post(f"{LIST}add/", form(both)).content.decode()


def test_the_preview_shows_both_sides_and_saves_nothing(merchandiser, shop: Shop):
    actions = (pin(shop["CHAIR-1"]), {"kind": "hide", "product": shop["CUP-red"].pk})
    page = merchandiser.post(f"{LIST}preview/", form(*actions)).content.decode()
    before, _, after = page.partition("With this rule")
    assert "CHAIR-1" not in before
    assert 'data-change="gone"' in before
    assert after.index("CHAIR-1") < after.index("CUP-blue")
    assert "CUP-red" not in after
    assert "pinned, new" in after
    assert not Rule.objects.exists()
    assert outcome_for("cup").rules == ()


def test_the_preview_of_a_saved_rule_takes_its_place(merchandiser, shop: Shop):
    rule = Rule.objects.create(name="Picnic", match="contains", queries="cup")
    action = RuleAction.objects.create(rule=rule, kind="pin", product=shop["CHAIR-1"], position=1)
    changed = form({"id": action.pk, "rule": rule.pk, **pin(shop["HUB-1"])})
    page = merchandiser.post(f"{LIST}{rule.pk}/preview/", changed).content.decode()
    before, _, after = page.partition("With this rule")
    assert "CHAIR-1" in before
    assert "HUB-1" in after
    assert "CHAIR-1" not in after
    action.refresh_from_db()
    assert action.product == shop["CHAIR-1"]
    gone = form({"id": action.pk, "rule": rule.pk, "DELETE": "on", **pin(shop["CHAIR-1"])})
    page = merchandiser.post(f"{LIST}{rule.pk}/preview/", gone).content.decode()
    assert "CHAIR-1" not in page.partition("With this rule")[2]


def test_the_preview_tells_another_query_a_redirect_and_a_schedule(merchandiser, shop: Shop):
    page = merchandiser.post(f"{LIST}preview/", form(preview_q="laptop")).content.decode()
    assert "does not hold" in page
    page = merchandiser.post(f"{LIST}preview/", form(redirect_to="/c/kitchen")).content.decode()
    assert "led to <strong>/c/kitchen" in page
    later = form(pin(shop["HUB-1"]), starts_at_0="2090-01-01", starts_at_1="08:00", segment="returning")
    page = merchandiser.post(f"{LIST}preview/", later).content.decode()
    assert "scheduled for later" in page
    assert "HUB-1" in page.partition("With this rule")[2]


def test_the_preview_of_a_browsed_category(merchandiser, shop: Shop):
    seats = Category.objects.get(slug="seats")
    asked = form(pin(shop["CHAIR-1"]), match="none", queries="", category=seats.pk)
    page = merchandiser.post(f"{LIST}preview/", asked).content.decode()
    assert "Browsing seats" in page
    assert page.partition("With this rule")[2].index("CHAIR-1") < page.partition("With this rule")[2].index("CHAIR-3")


@pytest.mark.slow
def test_hostile_previews_are_answered(merchandiser, shop: Shop):
    asked = form(preview_q="\x00<script>alert(1)</script>" + "x" * 5000)
    page = merchandiser.post(f"{LIST}preview/", asked)
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert merchandiser.post(f"{LIST}preview/", {}).status_code in (200, 400)
    assert merchandiser.post(f"{LIST}999999/preview/", form()).status_code == 404
    assert merchandiser.get(f"{LIST}preview/").status_code == 405


@pytest.mark.slow
def test_who_may(sign_in, shop: Shop):
    rule = Rule.objects.create(name="Picnic", match="contains", queries="cup")
    viewer = sign_in("viewer")
    assert viewer.get(LIST).status_code == 200
    page = viewer.get(f"{LIST}{rule.pk}/change/")
    assert page.status_code == 200
    assert "search-preview" not in page.content.decode()
    assert viewer.post(f"{LIST}preview/", form()).status_code == 403
    assert viewer.post(f"{LIST}{rule.pk}/preview/", form()).status_code == 403
    assert viewer.post(f"{LIST}add/", form()).status_code == 403
    assert sign_in("nobody").get(LIST).status_code == 403


@pytest.mark.slow
def test_rules_are_switched_off_together_and_filtered_by_state(merchandiser):
    rows = [Rule.objects.create(name=f"Rule {n}", match="any") for n in range(2)]
    merchandiser.post(LIST, {"action": "switch_off", "_selected_action": [row.pk for row in rows]})
    assert not Rule.objects.filter(enabled=True).exists()
    assert merchandiser.get(f"{LIST}?state=off").context["cl"].result_count == 2
    for state in ("running", "upcoming", "expired"):
        assert merchandiser.get(f"{LIST}?state={state}").context["cl"].result_count == 0


def test_the_list_costs_a_fixed_number_of_queries(merchandiser, shop: Shop, django_assert_max_num_queries):
    for number in range(20):
        rule = Rule.objects.create(name=f"Rule {number}", match="any", category=Category.objects.first())
        RuleAction.objects.create(rule=rule, kind="hide", product=shop["CUP-red"])
    with django_assert_max_num_queries(15):
        merchandiser.get(LIST)


def test_products_are_deleted_with_what_rules_did_to_them(shop: Shop):
    rule = Rule.objects.create(name="Picnic", match="any")
    RuleAction.objects.create(rule=rule, kind="hide", product=shop["CUP-red"])
    shop["CUP-red"].delete()
    assert not rule.actions.exists()
