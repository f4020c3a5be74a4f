"""The catalogue's words: counted once a change, found by every process."""

import weakref
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from catalog import services
from catalog.models import Product
from search.language import collecting, vocabulary
from search.language.spelling import correct
from search.language.vocabulary import ATTRIBUTE, BRAND, CATEGORY, CODE, DESCRIPTION, TITLE
from search.models import Vocabulary
from search.query.completion import complete
from tests import shops

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoders")]


@pytest.fixture
def products():
    return shops.build()


def words(language="en"):
    vocabulary.forget()
    return vocabulary.current().of(language)


def test_words_are_counted_by_products_and_by_where_they_stand(products):
    made = collecting.refresh()
    counts = words().counts
    assert made.products == Product.objects.filter(status="published").count()
    assert (counts["chair"].documents, counts["chair"].headlines) == (3, 3)
    assert counts["chair"].kinds == TITLE
    assert counts["volt"].kinds & BRAND
    assert counts["kitchen"].kinds == CATEGORY
    assert counts["home"].documents == 7, "a category's name counts for everything below it"
    assert (counts["leather"].kinds, counts["leather"].headlines) == (ATTRIBUTE, 0)
    assert counts["headrest"].kinds == DESCRIPTION
    assert "secret" not in counts, "drafts are nobody's words"
    assert not {"dv71211ea", "4006381333931"} & counts.keys(), "a code of one product is looked up elsewhere"


def test_codes_of_letters_alone_are_known(products):
    products["HUB-1"].mpn = "QWXZ"
    services.save_product(products["HUB-1"])
    collecting.refresh()
    assert words().counts["qwxz"].kinds == CODE


def test_translations_are_words_of_their_language(products):
    collecting.refresh()
    german = words("de")
    assert german.counts["klappstuhl"].documents == 1
    assert german.counts["stuhle"].kinds == CATEGORY
    assert german.with_accents("stuhle") == "stühle"
    assert "klappstuhl" not in words("en").counts
    assert words("de-AT").counts == german.counts


def test_what_follows_and_what_stands_near_is_counted(products):
    collecting.refresh()
    counted = words()
    assert counted.follows("cup", "espresso") == 3
    assert counted.follows("espresso", "cup") == 0
    assert counted.together("cup", "espresso") == counted.together("espresso", "cup") == 3


def test_an_unchanged_catalogue_is_not_counted_again(products):
    first = collecting.refresh()
    assert collecting.refresh(at_once=True) is None
    services.save_product(products["HUB-1"])
    assert collecting.refresh(at_once=True) is None, "no word changed"
    assert Vocabulary.objects.get().pk == first.pk
    products["HUB-1"].title = "Docking station"
    services.save_product(products["HUB-1"])
    second = collecting.refresh(at_once=True)
    assert Vocabulary.objects.get().pk == second.pk > first.pk
    assert "docking" in words().counts


def test_counting_takes_a_small_share_of_the_time(products):
    made = collecting.refresh()
    products["HUB-1"].title = "Docking station"
    services.save_product(products["HUB-1"])
    Vocabulary.objects.update(seconds=60)
    assert collecting.refresh() is None
    Vocabulary.objects.update(checked_at=timezone.now() - timedelta(seconds=60 / collecting.SHARE_OF_TIME))
    assert collecting.refresh().pk > made.pk


def test_many_different_words_are_bounded(products, monkeypatch):
    monkeypatch.setattr(collecting, "HELD_WORDS", 16)
    monkeypatch.setattr(collecting, "HELD_PAIRS", 16)
    monkeypatch.setattr(collecting, "READ_AT_ONCE", 1)
    _, languages = collecting.collect()
    counts = languages["en"].counts
    assert counts["chair"].documents >= 2, "frequent words survive"
    whole = collecting._Tally()
    whole.documents.update({"often": 9, "twice": 2, **{f"once{n}": 1 for n in range(30)}})
    collecting._bound({"en": whole})
    assert whole.documents == {"often": 9, "twice": 2}


def test_a_process_notices_a_new_vocabulary(products, monkeypatch):
    collecting.refresh()
    vocabulary.forget()
    before = vocabulary.current()
    assert vocabulary.current() is before, "not read again"
    products["HUB-1"].title = "Docking station"
    services.save_product(products["HUB-1"])
    collecting.refresh(at_once=True)
    assert vocabulary.current() is before, "not looked for all the time"
    monkeypatch.setattr(vocabulary, "CHECK_SECONDS", 0)
    assert vocabulary.current().version > before.version


def test_a_vocabulary_that_was_replaced_is_let_go(products):
    collecting.refresh()
    vocabulary.forget()
    old = weakref.ref(vocabulary.current())
    assert correct("hbu", "en") is not None
    assert complete("hu") is not None
    assert len(old().memories) > 1
    products["HUB-1"].title = "Quixotic hub"
    services.save_product(products["HUB-1"])
    collecting.refresh(at_once=True)
    vocabulary.forget()
    assert vocabulary.current() is not old()
    assert old() is None


def test_a_database_that_does_not_answer_changes_nothing(products, monkeypatch):
    collecting.refresh()
    vocabulary.forget()
    held = vocabulary.current()
    monkeypatch.setattr(vocabulary, "CHECK_SECONDS", 0)

    def fail(_):
        raise DatabaseError

    monkeypatch.setattr(vocabulary, "_newest", fail)
    assert vocabulary.current() is held


def test_before_the_first_count_there_are_no_words():
    vocabulary.forget()
    assert not vocabulary.current().languages
    assert vocabulary.current().of("en").counts == {}


def test_everyday_words_come_from_the_text_encoder(products, monkeypatch):
    encoder = type("Known", (), {"words": lambda self: ["The", "Mouse", "hi", "Mouse"]})()
    monkeypatch.setattr(collecting, "encoder_for", lambda spec: encoder)
    collecting.refresh()
    vocabulary.forget()
    assert vocabulary.current().general == {"the": 1, "mouse": 2}


def test_trade_marks_are_no_part_of_a_word(products):
    products["HUB-1"].title = "Smartfit™ hub® with four ports"
    services.save_product(products["HUB-1"])
    collecting.refresh()
    assert "smartfit" in words().counts
    assert not {"smartfittm", "hubr"} & words().counts.keys()
    assert words().with_accents("smartfit") == "smartfit"


def test_what_another_release_has_counted_is_counted_anew(products, monkeypatch):
    monkeypatch.setattr(vocabulary, "FORMAT", vocabulary.FORMAT + 1)
    collecting.refresh()
    monkeypatch.undo()
    assert words().counts == {}
    assert collecting.refresh(at_once=True) is not None
    assert words().counts
