"""For you: several interests, true reasons, what is hidden, and who is a stranger."""

import numpy as np
import pytest

from catalog.models import Product
from recommend.events.models import Shopper
from recommend.models import Companions, Demand
from search.index.errors import VectorStoreError
from tests.markets import act


def skus(answer):
    return [hit.product.sku for hit in answer.hits]


def kinds(answer):
    return {sku.split("-")[0] for sku in skus(answer)}


def test_a_runner_gets_running_things(ask, shopper):
    act(shopper, "view SHOE-0", "view SHOE-1", "view SOCK-2")
    found = skus(ask("for-you", shopper, limit=6))
    assert len(found) == 6
    assert sum(sku.startswith(("SHOE", "SOCK")) for sku in found) >= 5
    assert not {"SHOE-0", "SHOE-1", "SOCK-2"} & set(found)  # seen


def test_every_interest_gets_room_and_not_only_the_largest(ask, shopper):
    act(
        shopper, "view TENT-0", "view TENT-1", "view SHOE-0", "view SHOE-1", "view SHOE-2", "view SHOE-3", "view SHOE-4"
    )
    first = skus(ask("for-you", shopper, limit=8))
    assert any(sku.startswith("TENT") for sku in first)
    assert any(sku.startswith(("SHOE", "SOCK")) for sku in first)


def test_a_reason_names_what_contributed_most(ask, shopper, market):
    act(shopper, "view SHOE-0", "view TENT-1", "purchase SHOE-4")
    history = np.array([market.live.rows[market.products[sku].pk] for sku in ("SHOE-0", "TENT-1", "SHOE-4")])
    titles = ["you looked at Trail running shoe 0", "you looked at Two person dome tent 1",
              "you bought Trail running shoe 4"]  # fmt: skip
    checked = 0
    for hit in ask("for-you", shopper, limit=12).hits:
        adds = market.live.model.neighbours.contributions(history, np.array([market.live.rows[hit.product.pk]]))[0]
        if adds.max() > 0:
            assert hit.reason == f"Because {titles[int(adds.argmax())]}"
            assert sum(hit.why["neighbours"].values()) == pytest.approx(adds.sum(), abs=1e-4)
            checked += 1
    assert checked >= 6


def test_where_no_neighbour_speaks_the_event_that_would_be_missed_most_is_named(ask, shopper, market, monkeypatch):
    act(shopper, "view SHOE-0", "view TENT-1", "view TENT-2")
    silence = lambda history, items: np.zeros((len(items), len(history)))  # noqa: E731
    monkeypatch.setattr(market.live.model.neighbours, "contributions", silence)
    taste = market.live.model.transformer
    rows = [market.live.rows[market.products[sku].pk] for sku in ("SHOE-0", "TENT-1", "TENT-2")]
    named = 0
    for hit in ask("for-you", shopper, limit=8).hits:
        item = taste.item_vectors()[market.live.rows[hit.product.pk]]
        drops = [(taste.user_vector(np.array(rows)) - taste.user_vector(np.array(rows[:i] + rows[i + 1 :]))) @ item
                 for i in range(3)]  # fmt: skip
        if max(drops) > 1e-6:
            best = ("Trail running shoe 0", "Two person dome tent 1", "Two person dome tent 2")[int(np.argmax(drops))]
            assert hit.reason == f"Because you looked at {best}"
            named += 1
    assert named >= 4


def test_an_event_is_in_the_next_answer(ask, shopper):
    act(shopper, "view BOOK-1")
    assert "TENT" not in kinds(ask("for-you", shopper, limit=4))
    act(shopper, "view TENT-1")
    assert "TENT" in kinds(ask("for-you", shopper, limit=4))


@pytest.mark.parametrize("kind", ["hide", "not-for-me"])
def test_what_is_hidden_is_gone_at_once(ask, shopper, kind):
    act(shopper, "view SHOE-0", "view SHOE-1")
    first = skus(ask("for-you", shopper, limit=3))[0]
    act(shopper, f"{kind} {first}")
    assert first not in skus(ask("for-you", shopper, limit=30))
    assert first not in skus(ask("for-you", shopper, limit=30, personal=False))


def test_what_was_bought_is_not_offered_again_unless_the_shop_wants_it(ask, shopper, settings):
    act(shopper, "purchase SHOE-0", "view SHOE-1")
    assert "SHOE-0" not in skus(ask("for-you", shopper, limit=40))
    settings.RECOMMEND_BOUGHT_AGAIN = settings.RECOMMEND_SEEN_AGAIN = True
    assert "SHOE-0" in skus(ask("for-you", shopper, limit=40))


def test_a_stranger_gets_what_is_popular_and_is_told_so(ask):
    answer = ask("for-you", limit=6)
    most = Demand.objects.order_by("-popularity").first()
    assert answer.hits[0].product.pk == most.product_id
    assert answer.hits[0].reason == f"Popular in {answer.hits[0].product.category.name} lately"
    assert answer.hits[0].why["popularity"] == pytest.approx(most.popularity, abs=1e-3)
    assert "BOOK-0" in skus(answer)


def test_who_switched_it_off_is_answered_as_a_stranger(ask, shopper):
    act(shopper, "view SHOE-0", "view SHOE-1")
    stranger = skus(ask("for-you", limit=6))
    assert skus(ask("for-you", shopper, limit=6)) != stranger
    assert skus(ask("for-you", shopper, limit=6, personal=False)) == stranger
    Shopper.objects.filter(pk=shopper.pk).update(personalised=False)
    assert skus(ask("for-you", Shopper.objects.get(pk=shopper.pk), limit=6)) == stranger


def test_devices_that_were_merged_get_the_same(ask, shopper):
    account = Shopper.objects.create()
    act(shopper, "view TENT-0", "view TENT-1")
    Shopper.objects.filter(pk=shopper.pk).update(merged_into=account)
    assert skus(ask("for-you", shopper, limit=6)) == skus(ask("for-you", account, limit=6))
    assert "TENT" in kinds(ask("for-you", account, limit=2))


def test_stock_and_status_count_at_the_moment_of_serving(ask, shopper):
    act(shopper, "view SHOE-0", "view SHOE-1")
    first, second, *_ = skus(ask("for-you", shopper, limit=6))
    Product.objects.filter(sku=first).update(stock=0)
    Product.objects.filter(sku=second).update(status="archived")
    assert not {first, second} & set(skus(ask("for-you", shopper, limit=40)))


def test_pages_follow_each_other_without_gaps_or_repeats(ask, shopper):
    act(shopper, "view SHOE-0", "view BOOK-1")
    whole = skus(ask("for-you", shopper, limit=30))
    paged = [sku for offset in (0, 10, 20) for sku in skus(ask("for-you", shopper, limit=10, offset=offset))]
    assert paged == whole
    assert len(set(whole)) == 30
    assert ask("for-you", shopper, limit=10).more
    assert not ask("for-you", shopper, limit=50).more


def test_what_the_page_shows_already_is_left_out(ask, shopper, market):
    act(shopper, "view SHOE-0")
    first = skus(ask("for-you", shopper, limit=3))
    assert not set(first) & set(skus(ask("for-you", shopper, limit=10, exclude=frozenset(market.ids(*first)))))


def test_a_category_narrows_it(ask, shopper, market):
    act(shopper, "view SHOE-0")
    tents = market.products["TENT-0"].category
    assert kinds(ask("for-you", shopper, limit=8, category=tents)) == {"TENT"}
    sport = tents.__class__.objects.get(slug="sport")
    assert kinds(ask("for-you", shopper, limit=12, category=sport)) <= {"SHOE", "SOCK"}


def test_not_all_of_one_brand_while_there_are_others(ask, shopper, settings):
    settings.RECOMMEND_BRAND_CAP = 2
    act(shopper, "view SHOE-0", "view SHOE-4")
    brands = [hit.product.brand.name for hit in ask("for-you", shopper, limit=8).hits]
    assert all(brands.count(name) <= 2 for name in set(brands))


def test_without_a_model_counts_and_content_speak(no_model, ask, shopper):
    act(shopper, "view SHOE-0")
    answer = ask("for-you", shopper, limit=8)
    by_sku = {hit.product.sku: hit for hit in answer.hits}
    assert by_sku["SOCK-0"].reason == "Often bought with Trail running shoe 0"
    assert by_sku["SOCK-0"].why["basket"]["SHOE-0"] > 0
    assert any(hit.reason == "Because you looked at Trail running shoe 0" and "content" in hit.why
               for hit in answer.hits)  # fmt: skip


def test_a_shop_where_nothing_happened_yet_shows_its_newest(no_model, ask):
    Companions.objects.all().delete()
    Demand.objects.all().delete()
    answer = ask("for-you", limit=5)
    assert len(answer.hits) == 5
    assert answer.hits[0].reason == "Among the newest in the shop"


def test_the_neighbours_serve_where_the_vector_store_is_away(ask, shopper, monkeypatch):
    def down(*_args, **_more):
        raise VectorStoreError("no answer", permanent=False)

    act(shopper, "view SHOE-0", "view SHOE-1")
    monkeypatch.setattr("recommend.training.behaviour.nearest", down)
    found = ask("for-you", shopper, limit=4)
    assert sum(sku.startswith(("SHOE", "SOCK")) for sku in skus(found)) >= 3


def test_a_product_that_came_after_the_training_is_found_by_its_vector(ask, shopper, market):
    from catalog import services
    from recommend.training import behaviour
    from recommend.training.features import described
    from search.index.drain import drain

    old = market.products["TENT-0"]
    new = Product(sku="TENT-NEW", title="Two person dome tent", category=old.category, brand=old.brand, stock=3,
                  price=9, status="published")  # fmt: skip
    services.save_product(new)
    drain()
    for entries in described([new.pk]):
        behaviour.write(market.live, entries)
    act(shopper, "view TENT-1", "view TENT-2")
    found = {hit.product.sku: hit for hit in ask("for-you", shopper, limit=10).hits}
    assert found["TENT-NEW"].why["new"]
    assert found["TENT-NEW"].reason != ""


def test_what_is_popular_stands_in_where_every_candidate_was_seen(no_model, ask, shopper, monkeypatch):
    monkeypatch.setattr("recommend.serving.candidates.LIKE_EACH", 4)
    act(shopper, *(f"view {kind}-{n}" for kind in ("SHOE", "SOCK") for n in range(8)))
    answer = ask("for-you", shopper, limit=2)
    assert len(answer.hits) == 2
    assert all("popularity" in hit.why for hit in answer.hits)


def test_another_colour_of_what_was_seen_is_left_out(ask, shopper, settings):
    Product.objects.filter(sku__in=["TENT-0", "TENT-1"]).update(family="dome tent")
    act(shopper, "view TENT-0")
    found = skus(ask("for-you", shopper, limit=40))
    assert "TENT-1" not in found
    assert "TENT-2" in found
    settings.RECOMMEND_SEEN_AGAIN = True
    assert {"TENT-0", "TENT-1"} & set(skus(ask("for-you", shopper, limit=40)))


def test_the_number_of_queries_is_small_and_does_not_grow(ask, shopper, django_assert_max_num_queries):
    act(shopper, *(f"view SHOE-{n}" for n in range(6)), "view TENT-1", "view BOOK-2")
    ask("for-you", shopper, limit=2)
    with django_assert_max_num_queries(7):
        assert len(ask("for-you", shopper, limit=20).hits) == 20
    with django_assert_max_num_queries(4):
        ask("for-you", limit=20)
