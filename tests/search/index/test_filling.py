"""A change of model fills a new collection beside the live one, and nobody who searches notices."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from qdrant_client import models

from catalog import services
from catalog.models import OutboxEntry, Product
from search.encoders.registry import encoder_for
from search.index import filling
from search.index.client import get_client
from search.index.compare import compare_all
from search.index.drain import drain, drain_once
from search.index.errors import IndexMissing
from search.index.live import alias_target, live_collection, on_live
from search.models import Embedding, IndexCollection
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("quick_encoders", "vector_store")]
State = IndexCollection.State


def change_model(settings, seed: int) -> None:
    """As a fitted head does: the encoder's spec and its vectors are others than before."""
    settings.ENCODERS = {
        kind: {**encoder, "OPTIONS": {"seed": seed} if kind == "text" else {}}
        for kind, encoder in settings.ENCODERS.items()
    }


def settle() -> None:
    """Drain until nothing is left to do."""
    while OutboxEntry.objects.filter(parked_at=None).exists() or filling.is_filling():
        OutboxEntry.objects.filter(claimed_by="").update(available_at=timezone.now() - timedelta(seconds=1))
        drain()


def names() -> set[str]:
    return {each.name for each in get_client().get_collections().collections}


def search(text: str) -> list[int]:
    def ask(live) -> list[int]:
        vector = encoder_for(live.text_spec).encode_text([text], query=True)[0].tolist()
        answer = get_client().query_points(live.name, query=vector, using="text", limit=5)
        return [int(point.id) for point in answer.points]

    return on_live(ask)


def test_before_anything_is_indexed_the_index_is_missing_and_says_so():
    with pytest.raises(IndexMissing, match="run `embed`"):
        live_collection(refresh=True)


def test_the_first_drain_makes_collection_and_alias(publish):
    publish(2)
    settle()
    row = IndexCollection.objects.get()
    assert (row.state, alias_target()) == (State.LIVE, row.name)
    info = get_client().get_collection(row.name)
    assert {"brand", "price", "in_stock", "released", "attribute_values"} <= info.payload_schema.keys()
    assert info.config.params.vectors["image"].multivector_config.comparator == models.MultiVectorComparator.MAX_SIM
    assert info.config.params.sparse_vectors["terms"].modifier == models.Modifier.IDF


def test_asking_again_changes_nothing(publish):
    publish(2)
    settle()
    filling.ensure_current()
    filling.ensure_current()
    assert not filling.is_filling()
    assert IndexCollection.objects.count() == 1


def test_products_that_are_in_the_new_collection_already_are_not_written_again(publish):
    publish(3)
    row = filling.ensure_current()
    assert drain_once().done == 3
    assert (drain().done, row.name) == (0, alias_target())
    assert not filling.is_filling()


def test_a_new_model_gets_a_collection_of_its_own(publish, settings):
    publish(4)
    settle()
    old = live_collection(refresh=True)
    change_model(settings, 7)
    filling.ensure_current()
    assert live_collection(refresh=True) == old, "until the new one is full, the old one is asked"
    settle()
    new = live_collection(refresh=True)
    assert new.name != old.name
    assert new.text_spec["OPTIONS"] == {"seed": 7}
    assert compare_all(new.name).clean
    assert dict(IndexCollection.objects.values_list("name", "state")) == {old.name: State.RETIRED, new.name: State.LIVE}


def test_writes_go_to_both_collections_while_one_is_filled(publish, settings, monkeypatch):
    monkeypatch.setattr(filling, "PORTION", 3)
    monkeypatch.setattr(filling, "LOW_WATER", 1)
    first, *_ = publish(9)
    settle()
    old = alias_target()
    change_model(settings, 7)
    new = filling.ensure_current().name
    drain_once()
    first.title = "Renamed meanwhile"
    services.save_product(first)
    (added,) = publish(1)
    services.archive([Product.objects.get(sku="sku-8").id])
    while OutboxEntry.objects.filter(product_id__in=[first.id, added.id]).exists():
        drain_once()
    for name in (old, new):
        versions = {p.id: p.payload["version"] for p in get_client().retrieve(name, [first.id, added.id])}
        assert versions == {first.id: Product.objects.get(pk=first.pk).version, added.id: added.version}
    settle()
    assert compare_all(alias_target()).clean


def test_a_write_that_was_under_way_when_the_filling_began_reaches_the_new_collection(publish, settings):
    from search.index import outbox
    from search.index.batch import Batch

    (product,) = publish()
    settle()
    services.request_reembedding([product.id])
    before = Batch(outbox.claim(1), filling.targets())
    before.load()
    change_model(settings, 7)
    filling.ensure_current()
    assert before.claim.complete(before.versions, [target.name for target in before.targets]) == set()
    assert OutboxEntry.objects.get().claimed_by == ""


def test_filling_goes_on_where_a_killed_process_left_it(publish, settings, monkeypatch):
    monkeypatch.setattr(filling, "PORTION", 2)
    monkeypatch.setattr(filling, "LOW_WATER", 1)
    publish(7)
    settle()
    change_model(settings, 7)
    name = filling.ensure_current().name
    drain_once(2)
    drain_once(2)
    stopped_at = IndexCollection.objects.get(name=name).fed_to
    assert 0 < stopped_at < Product.objects.latest("id").id
    assert filling.ensure_current().fed_to == stopped_at
    settle()
    assert compare_all(alias_target()).indexed == 7


def test_the_alias_does_not_move_while_points_are_lacking(publish, settings):
    publish(3)
    settle()
    old = alias_target()
    change_model(settings, 7)
    new = filling.ensure_current().name
    while not IndexCollection.objects.get(name=new).fed_at:
        drain_once()
    get_client().delete(new, models.PointIdsList(points=[Product.objects.first().id]), wait=True)
    if alias_target() == old:  # what is lost before the last look is found by it
        settle()
        assert compare_all(alias_target()).clean


def test_a_parked_product_does_not_hold_up_the_change(publish, settings):
    from tests.doubles import CRASH

    settings.OUTBOX_MAX_ATTEMPTS = 1
    publish(2)
    publish(1, title=CRASH)
    settle()
    change_model(settings, 7)
    new = filling.ensure_current().name
    settle()
    assert alias_target() == new
    assert OutboxEntry.objects.get().parked_at


def test_a_filling_whose_model_changed_again_is_given_up(publish, settings):
    publish(2)
    settle()
    change_model(settings, 7)
    abandoned = filling.ensure_current().name
    change_model(settings, 8)
    current = filling.ensure_current().name
    assert IndexCollection.objects.get(name=abandoned).state == State.RETIRED
    settle()
    assert alias_target() == current


def test_going_back_to_a_retired_collection_fills_it_anew(publish, settings):
    gone, *_ = publish(3)
    settle()
    first = alias_target()
    change_model(settings, 7)
    filling.ensure_current()
    settle()
    services.delete_products([gone.id])
    settle()
    change_model(settings, 0)
    filling.ensure_current()
    settle()
    assert alias_target() != first or compare_all(first).clean
    assert compare_all(alias_target()).clean


def test_a_retired_collection_is_dropped_after_its_grace_with_vectors_nobody_uses(publish, settings):
    publish(2)
    settle()
    old = alias_target()
    change_model(settings, 7)
    filling.ensure_current()
    settle()
    assert filling.drop_retired() == []
    assert old in names()
    IndexCollection.objects.filter(name=old).update(retired_at=timezone.now() - timedelta(days=1))
    assert filling.drop_retired() == [old]
    assert old not in names()
    assert set(Embedding.objects.values_list("model_id", flat=True)) == {"hashed-words-7"}


def test_a_query_on_a_dropped_collection_asks_the_live_one_instead(publish, settings):
    (product,) = publish()
    settle()
    old = live_collection(refresh=True).name
    change_model(settings, 7)
    filling.ensure_current()
    live_collection(refresh=True)  # cached: the old one
    settle()
    get_client().delete_collection(old)
    assert search("Chair") == [product.id]


@pytest.mark.django_db(transaction=True)
def test_no_search_fails_or_is_empty_during_a_change_of_model_and_writes(publish, settings, monkeypatch):
    monkeypatch.setattr(filling, "PORTION", 20)
    monkeypatch.setattr(filling, "LOW_WATER", 10)
    settings.OUTBOX_BATCH = 16
    products = publish(80)
    settle()
    stop, faults, asked = threading.Event(), [], []

    def keep_searching() -> None:
        while not stop.is_set():
            try:
                hits = search("Chair")
                asked.append(live_collection().name)
                if len(hits) < 5:
                    faults.append(f"{len(hits)} hits")
            except Exception as error:
                faults.append(repr(error))

    searcher = threading.Thread(target=keep_searching)
    searcher.start()
    try:
        for seed in (7, 8):
            change_model(settings, seed)
            filling.ensure_current()
            for product in products[seed::10]:
                product.title = f"Chair of model {seed}"
                services.save_product(product)
                drain_once()
            settle()
            wait_for(lambda: alias_target() in asked)
            for name in IndexCollection.objects.filter(state=State.RETIRED).values_list("name", flat=True):
                if seed == 8 and name != alias_target():
                    get_client().delete_collection(name)  # earlier than the grace period allows
    finally:
        stop.set()
        searcher.join()
        connection.close()
    assert faults == []
    assert len(set(asked)) >= 2, "the searches saw the change"
    assert compare_all(alias_target()).clean
