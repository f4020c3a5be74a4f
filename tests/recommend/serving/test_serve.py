"""Pages that follow each other, whatever is asked for first, and what stands in where candidates may not be shown."""

import numpy as np
import pytest
from django.utils import timezone

from catalog import services
from catalog.models import Brand, Product
from recommend.models import Demand
from recommend.serving.candidates import Pool
from recommend.serving.interests import Interest
from recommend.serving.profile import Profile
from recommend.serving.serve import RANKED, candidates_for_sale, serve
from recommend.serving.shelf import Wish
from recommend.surfaces import SURFACES, Ask

MANY, PAGE = 180, 30


@pytest.fixture
def many(db, monkeypatch):
    """Products of five brands, in families of two, that differ in content; ids by how good they are."""
    brands = [Brand.objects.create(name=f"Brand {n}", slug=f"brand-{n}") for n in range(5)]
    category = services.add_category("Things")
    Product.objects.bulk_create(
        Product(
            sku=f"P-{n}", slug=f"p-{n}", title=f"Thing {n}", brand=brands[n * n % 5], category=category, stock=1,
            status="published", family=f"family {n // 2}" if n % 3 == 0 else "",
        )
        for n in range(MANY)
    )  # fmt: skip
    vectors = np.random.default_rng(0).normal(size=(MANY * 100, 8)).astype(np.float32)
    monkeypatch.setattr("recommend.serving.serve.content_vectors", lambda ids, live: vectors[np.array(ids)])
    return list(Product.objects.order_by("pk").values_list("pk", flat=True))


def pages(answer):
    """What five pages hold, one after the other, and what one long page of the same holds."""
    paged = [hit.product.sku for n in range(5) for hit in answer(PAGE, n * PAGE)]
    return paged, [hit.product.sku for hit in answer(5 * PAGE, 0)]


@pytest.mark.parametrize("interests", [0, 2])
def test_no_page_changes_another(many, monkeypatch, interests):
    found = [Interest(np.array([n]), 1 / 2, np.eye(8, dtype=np.float32)[n]) for n in range(interests)]
    monkeypatch.setattr("recommend.serving.serve.interests_in", lambda profile: found)
    scores = np.random.default_rng(1).normal(size=MANY).tolist()

    def answer(limit, offset):
        pool = Pool(dict(zip(many, scores, strict=True)), {id: {} for id in many})
        ask = Ask(None, limit=limit, offset=offset)
        return serve(Wish.of(ask), Profile(), pool, lambda products: {}, several_interests=True).hits

    paged, whole = pages(answer)
    assert len(paged) == len(set(paged)) == 5 * PAGE
    assert paged == whole


def test_no_page_of_a_shop_without_a_model_changes_another(many, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr("recommend.serving.profile.live", lambda: None)
    Demand.objects.bulk_create(
        Demand(product_id=id, popularity=100 - n, recent=1, expected=1, rise=0, counted_at=timezone.now())
        for n, id in enumerate(many[:90])  # the rest is only new
    )

    def answer(limit, offset):
        with django_assert_max_num_queries(8):
            return SURFACES["for-you"](Ask(None, limit=limit, offset=offset)).hits

    paged, whole = pages(answer)
    assert len(paged) == len(set(paged)) == 5 * PAGE
    assert paged == whole


def test_families_and_caps_go_on_over_slices_and_what_is_fallen_back_to(many):
    """One family lies on both sides of the first slice's end, and of the step's."""
    Product.objects.filter(pk__in=many[60:80]).update(family="over the edge")

    def pool(ids):
        return Pool({id: float(-n) for n, id in enumerate(ids)}, {id: {} for id in ids})

    both = pool(many[:70])
    both.rest = [lambda: pool(many[70:140])]
    ask = Ask(None, limit=150)
    hits = serve(Wish.of(ask), Profile(), both, lambda products: {}).hits
    assert len(hits) > 70
    families = [hit.product.family for hit in hits if hit.product.family]
    assert len(families) == len(set(families)) > 0
    assert {hit.product.pk for hit in hits} <= set(many[:140])
    first = [hit.product.pk for hit in hits].index(next(hit.product.pk for hit in hits if hit.product.pk in many[70:]))
    assert all(hit.product.pk in many[70:] for hit in hits[first:]), "nothing of a later step before one of an earlier"
    assert families.count("over the edge") == 1


def test_what_is_fallen_back_to_is_asked_only_if_somebody_reads_that_far(many):
    asked = []

    def rest():
        asked.append(1)
        return Pool(dict.fromkeys(many[RANKED:], 1.0), {id: {} for id in many})

    pool = Pool(dict.fromkeys(many[:20], 1.0), {id: {} for id in many}, [rest])
    ask = Ask(None, exclude=frozenset(many[:10]))
    found = candidates_for_sale(Wish.of(ask), Profile(), pool, seen=False, at_once=RANKED)
    assert [stand.id for stand in next(found)] == many[10:20]
    assert asked == []
    assert len(next(found)) == RANKED
    assert asked == [1]
    assert pool.scores[many[-1]] < pool.scores[many[0]]
