"""Complements and what is bought together: learned, across categories, and true in their counts."""

from dataclasses import replace

import numpy as np
import pytest
from django.utils import timezone

from catalog import services
from catalog.models import Product
from recommend.models import Companions, Crossing, Event, registry
from recommend.training.dataset import read
from recommend.training.live import CROSSING
from search.index.drain import drain
from search.index.errors import VectorStoreError
from tests.markets import act


def skus(answer):
    return [hit.product.sku for hit in answer.hits]


def baskets_with(market, *names):
    bought = {}
    for basket, sku in Event.objects.filter(kind="purchase").values_list("basket", "product"):
        bought.setdefault(basket, set()).add(sku)
    ids = {market.products[name].pk for name in names}
    return sum(ids <= basket for basket in bought.values())


def test_what_is_bought_together_is_said_with_its_counts(ask, market):
    answer = ask("bought-together", product="SHOE-1")
    assert skus(answer) == ["SOCK-1"]
    both, with_it = baskets_with(market, "SHOE-1", "SOCK-1"), baskets_with(market, "SHOE-1")
    assert answer.hits[0].reason == (f"Often bought with Trail running shoe 1: in {both} of {with_it} baskets with it")
    assert answer.hits[0].why["basket"]["SHOE-1"]["together"] == both


def test_a_cart_asks_for_all_it_holds_and_is_not_offered_itself(ask, market):
    found = skus(ask("bought-together", products=["SHOE-0", "SHOE-1", "SOCK-1"]))
    assert set(found) == {"SOCK-0"}


def test_nothing_is_bought_together_with_what_nobody_bought(ask):
    assert skus(ask("bought-together", product="TENT-1")) == []


@pytest.mark.parametrize("sku", ["SHOE-0", "SOCK-1", "BOOK-0", "LAMP-2", "TENT-3"])
@pytest.mark.parametrize("limit", [4, 30])
def test_a_complement_is_never_of_the_same_kind(ask, sku, limit):
    found = skus(ask("complements", product=sku, limit=limit))
    assert found
    assert not [each for each in found if each.startswith(sku[:4])]


def test_what_shoppers_went_on_to_comes_first(ask):
    answer = ask("complements", product="SHOE-1", limit=3)
    assert answer.hits[0].product.sku == "SOCK-1"
    figures = answer.hits[0].why["crossing"]["SHOE-1"]
    assert answer.hits[0].reason == (
        f"Goes with Trail running shoe 1: {figures['together']} of {figures['alone']} shoppers took an interest in both"
    )


def shoppers_of(market, sku):
    return set(Event.objects.filter(product=market.products[sku]).values_list("shopper", flat=True))


def test_the_counts_of_a_crossing_are_those_of_the_log(ask, market):
    for hit in ask("complements", product="SHOE-0", limit=4).hits:
        if "crossing" in hit.why:
            figures = hit.why["crossing"]["SHOE-0"]
            mine, theirs = shoppers_of(market, "SHOE-0"), shoppers_of(market, hit.product.sku)
            assert figures["alone"] == len(mine)
            assert 2 <= figures["together"] <= len(mine & theirs)


def test_a_product_without_a_past_has_the_complements_of_what_is_like_it(ask, market):
    old = market.products["SHOE-0"]
    new = Product(sku="SHOE-NEW", title="Trail running shoe", category=old.category, brand=old.brand, stock=3,
                  price=9, status="published")  # fmt: skip
    services.save_product(new)
    drain()
    market.products["SHOE-NEW"] = new
    answer = ask("complements", product="SHOE-NEW", limit=6)
    assert answer.hits[0].product.sku.startswith("SOCK")
    assert "alike" in answer.hits[0].why
    named = max(answer.hits[0].why["alike"].items(), key=lambda pair: pair[1]["g_squared"])[0]
    title = market.products[named].title
    assert answer.hits[0].reason == f"Goes with {title}, which is much like this one"
    learned = Companions.objects.get(product=market.products[named], kind="crossing").rows
    assert answer.hits[0].product.pk in [row[0] for row in learned]
    assert not [sku for sku in skus(answer) if sku.startswith("SHOE")]


def test_where_no_product_says_anything_its_category_does(no_model, ask, market):
    Companions.objects.all().delete()
    answer = ask("complements", product="SHOE-5", limit=4)
    assert all(sku.startswith("SOCK") for sku in skus(answer))
    assert answer.hits[0].reason == "From Shoes, shoppers often go on to Socks"
    shoes = market.products["SHOE-5"].category_id
    (row, *_) = Crossing.objects.get(category=shoes).rows
    assert row[0] == market.products["SOCK-0"].category_id
    assert answer.hits[0].why["categories"]["together"] == row[1]


def test_the_live_model_fills_up_what_counts_do_not_say(ask, market):
    Companions.objects.all().delete()
    answer = ask("complements", product="SHOE-1", limit=3)
    assert answer.hits[0].product.sku.startswith("SOCK")
    assert answer.hits[0].why["neighbours"]["SHOE-1"] > 0
    assert answer.hits[0].reason == "Others who took an interest in Trail running shoe 1 took one in this too"


def learned(market, sku, *others):
    """Have the log say that shoppers go on from a product to others, and to nothing else."""
    rows = [[market.products[other].pk, 5, 9, 2.0, 20.0 - place] for place, other in enumerate(others)]
    kept, _ = Companions.objects.update_or_create(
        product=market.products[sku], kind="crossing", defaults={"rows": rows, "counted_at": timezone.now()}
    )
    Companions.objects.exclude(pk=kept.pk).delete()


def test_later_steps_serve_where_the_first_has_only_what_cannot_be_shown(ask, market, shopper):
    learned(market, "SHOE-1", *(f"SHOE-{n}" for n in (2, 3, 4)), "LAMP-0", "LAMP-1")
    Product.objects.filter(sku="LAMP-0").update(stock=0)
    act(shopper, "hide LAMP-1")
    found = ask("complements", shopper, product="SHOE-1", limit=4)
    assert len(found.hits) == 4
    assert found.hits[0].product.sku.startswith("SOCK")
    assert all("neighbours" in hit.why for hit in found.hits)


def test_what_was_counted_is_shown_though_the_index_is_away(no_model, ask, market, monkeypatch):
    def down(*_args, **_more):
        raise VectorStoreError("no answer", permanent=False)

    learned(market, "SHOE-1", "LAMP-0", "TENT-1")
    Crossing.objects.all().delete()
    monkeypatch.setattr("recommend.surfaces.complements.nearest", down)
    assert set(skus(ask("complements", product="SHOE-1"))) == {"LAMP-0", "TENT-1"}


def test_every_product_of_a_cart_is_asked_for_what_is_like_it(no_model, ask, market):
    learned(market, "TENT-2", "LAMP-0")
    Crossing.objects.all().delete()
    (hit,) = ask("complements", products=["SHOE-0", "BOOK-1", "TENT-1"]).hits
    assert hit.product.sku == "LAMP-0"
    assert hit.reason == "Goes with Two person dome tent 2, which is much like this one"


@pytest.fixture
def crossing(market, monkeypatch, tmp_path):
    """The model of what leads to other categories, learned of the market's log and live beside the other."""
    model = registry.build("crossing")
    model.fit(read()[0].interactions())
    model.save(tmp_path / CROSSING)
    live = replace(market.live, folder=tmp_path)
    monkeypatch.setattr("recommend.serving.profile.live", lambda: live)
    assert live.crossing.weights == pytest.approx(model.weights)
    return model


def scored(crossing, market, history, skus):
    rows = [np.array([market.live.rows[market.products[sku].pk] for sku in each], np.int64) for each in (history, skus)]
    return crossing.score_candidates(*rows).tolist()


def in_order(answer):
    """The hits by score: which of them are shown first is a matter of variety, too."""
    return [hit.product.sku for hit in sorted(answer.hits, key=lambda hit: -hit.score)]


WALK = [f"{kind}-{number}" for number in (0, 2, 4) for kind in ("BOOK", "LAMP", "TENT")]


def test_for_who_is_known_what_leads_to_other_categories_puts_neighbours_in_order(ask, market, crossing, shopper):
    Companions.objects.all().delete()
    act(shopper, *(f"view {sku}" for sku in WALK))
    found = ask("complements", shopper, product="SHOE-1", limit=8)
    of_model = scored(crossing, market, [*WALK, "SHOE-1"], skus(found))
    assert len(found.hits) > 3
    assert in_order(found) == [sku for _, sku in sorted(zip(of_model, skus(found), strict=True), reverse=True)]
    assert all(hit.why["neighbours"]["SHOE-1"] > 0 for hit in found.hits)
    assert {hit.reason for hit in found.hits} == {
        "Others who took an interest in Trail running shoe 1 took one in this too"
    }


def test_of_a_stranger_the_neighbours_of_the_product_know_more(ask, market, crossing):
    Companions.objects.all().delete()
    found = ask("complements", product="SHOE-1", limit=8)
    near = {hit.product.sku: hit.why["neighbours"]["SHOE-1"] for hit in found.hits}
    assert in_order(found) == sorted(near, key=lambda sku: -near[sku])


def test_what_was_counted_stays_above_what_was_learned(ask, market, crossing, shopper):
    learned(market, "SHOE-1", "LAMP-7", "TENT-7")
    act(shopper, *(f"view {sku}" for sku in WALK))
    found = ask("complements", shopper, product="SHOE-1", limit=8)
    assert set(in_order(found)[:2]) == {"LAMP-7", "TENT-7"}
    assert len(found.hits) > 2


def test_a_cart_gets_no_complement_of_any_kind_in_it(ask):
    found = skus(ask("complements", products=["SHOE-0", "BOOK-1"], limit=20))
    assert found
    assert {sku[:4] for sku in found} <= {"SOCK", "LAMP", "TENT"}


def test_a_product_without_a_category_gets_others_that_have_one(ask, market):
    Product.objects.filter(sku="SHOE-1").update(category=None)
    market.products["SHOE-1"].refresh_from_db()
    found = ask("complements", product="SHOE-1", limit=5)
    assert all(hit.product.category for hit in found.hits)


@pytest.mark.parametrize("surface", ["complements", "bought-together", "similar"])
def test_hidden_and_bought_and_sold_out_are_not_shown(ask, shopper, surface):
    first = skus(ask(surface, product="SHOE-1", limit=5))[0]
    act(shopper, f"hide {first}")
    assert first not in skus(ask(surface, shopper, product="SHOE-1", limit=30))
    Product.objects.filter(sku=first).update(stock=0)
    assert first not in skus(ask(surface, product="SHOE-1", limit=30))


def test_pages_of_what_is_similar_follow_each_other(ask, monkeypatch):
    monkeypatch.setattr("recommend.surfaces.content.FIRST", 4)
    whole = skus(ask("similar", product="SHOE-0", limit=15))
    paged = [
        sku for offset in range(0, 15, 3) for sku in skus(ask("similar", product="SHOE-0", limit=3, offset=offset))
    ]
    assert paged == whole
    assert len(set(whole)) == 15
    assert not ask("similar", product="SHOE-0", limit=15).more


@pytest.mark.parametrize("surface", ["complements", "bought-together", "similar", "visually-similar"])
def test_without_a_product_there_is_nothing(ask, surface):
    assert ask(surface).hits == []


@pytest.mark.parametrize(("surface", "most"), [("complements", 12), ("bought-together", 4), ("similar", 5)])
def test_queries_do_not_grow(ask, surface, most, django_assert_max_num_queries):
    with django_assert_max_num_queries(most):
        ask(surface, product="SHOE-1", limit=20)
