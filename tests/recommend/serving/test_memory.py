"""What is remembered between requests, for how long, and that all of it can be forgotten."""

import numpy as np
import pytest

from catalog import services
from catalog.models import Product
from recommend.serving import memory, serve, vectors
from recommend.serving.cards import cards, made_of
from recommend.serving.memory import Kept
from recommend.serving.shelf import Wish, for_sale
from recommend.surfaces import Ask
from tests.markets import act


def test_the_last_ones_asked_for_are_kept():
    read = []

    def squares(keys):
        read.extend(keys)
        return {key: key * key for key in keys}

    kept = Kept(squares, seconds=60, most=3)
    assert kept.of([1, 2, 3]) == {1: 1, 2: 4, 3: 9}
    kept.of([1])
    kept.of([4])  # 2 was asked for longest ago
    read.clear()
    assert kept.of([1, 3, 4]) == {1: 1, 3: 9, 4: 16}
    assert read == []
    kept.of([2])
    assert read == [2]


def test_what_nobody_asks_for_is_let_go_when_it_is_too_old(monkeypatch):
    now = 0.0
    monkeypatch.setattr(memory.time, "monotonic", lambda: now)
    kept = Kept(lambda keys: {key: key for key in keys}, seconds=60, most=100)
    kept.of([1, 2, 3])
    now = 30.0
    kept.of([4])
    kept.of([2])
    now = 60.0
    assert kept.of([5]) == {5: 5}
    assert {key for _, key in kept._held} == {2, 4, 5}, "2 was asked for since, and goes the next time"


@pytest.fixture
def product(db):
    made = Product(sku="CUP", title="Cup", stock=2, status="published", category=services.add_category("Cups"))
    services.save_product(made)
    return made


def shown(product):
    return cards(list(for_sale(Wish.of(Ask(None)), [product.pk]).values()))[0]


def test_what_is_made_of_a_product_is_made_once_until_its_row_changes(product):
    def title(shown):
        made.append(shown.pk)
        return shown.title

    made = []
    assert [made_of(shown(product), title) for _ in range(3)] == ["Cup"] * 3
    assert made == [product.pk]
    product.title = "Mug"
    services.save_product(product)
    assert made_of(shown(product), title) == "Mug"
    assert len(made) == 2


def test_all_of_it_is_forgotten_at_once(ask, shopper, market, monkeypatch):
    act(shopper, "view SHOE-0", "view TENT-1")
    ask("for-you", shopper)
    monkeypatch.setattr("recommend.serving.profile.live", lambda: None)
    ask("for-you", shopper)  # and vectors of the index
    held = [memory._pasts, serve._INTERESTS.here._known, vectors._KEPT._held]
    assert all(held)
    memory.forget()
    assert not any([memory._pasts, serve._INTERESTS.here._known, vectors._KEPT._held])
    assert serve._INTERESTS.here._live is None


def test_a_product_without_vectors_is_like_nothing(market):
    first, second = (market.products[sku].pk for sku in ("SHOE-0", "TENT-1"))
    found = vectors.content_vectors([first, 10**9, second], None)
    assert np.abs(found).sum(axis=1)[1] == 0
    assert (np.abs(found).sum(axis=1)[[0, 2]] > 0).all()
