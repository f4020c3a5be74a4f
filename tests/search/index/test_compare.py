"""`check_index` finds what differs between database and index, `--repair` mends it, `embed` brings all level."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from qdrant_client import models

from catalog import services
from catalog.models import OutboxEntry, Product
from search.encoders.registry import get_encoder
from search.index import compare
from search.index.client import get_client
from search.index.compare import compare_all
from search.index.live import alias_target
from tests.doubles import CRASH

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("quick_encoders", "vector_store")]
CLEAN = {"missing": 0, "stale": 0, "orphaned": 0, "waiting": 0, "parked": 0}


def run(*arguments: str) -> dict:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def check(*arguments: str) -> tuple[int, dict]:
    out = io.StringIO()
    try:
        call_command("check_index", *arguments, "--json", stdout=out, stderr=io.StringIO())
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, json.loads(out.getvalue().splitlines()[-1])


def point(id: int, **payload: object) -> models.PointStruct:
    vectors = {"text": [0.1] * 32}
    return models.PointStruct(id=id, vector=vectors, payload={"version": 1, "fingerprint": "x"} | payload)


def test_embed_indexes_everything_and_says_how_much(publish):
    publish(5)
    result = run("embed")
    assert (result["embedded"], result["failed"]) == (5, 0)
    assert result.keys() == {"embedded", "failed", "seconds", "products_per_second"}
    assert check() == (0, {"products": 5, "indexed": 5} | CLEAN)
    assert run("embed")["embedded"] == 0


def test_embed_counts_what_cannot_be_indexed(publish, settings):
    settings.OUTBOX_MAX_ATTEMPTS = 1
    publish(2)
    publish(1, title=CRASH)
    assert run("embed")["failed"] == 1
    code, found = check()
    assert (code, found["missing"], found["parked"]) == (1, 1, 1)


def test_embed_all_writes_every_point_again_and_encodes_only_if_told_to(publish):
    publish(3)
    run("embed")
    get_client().overwrite_payload(alias_target(), {"version": 1}, [product.id for product in Product.objects.all()])
    encoder = get_encoder("text")
    encoder.texts_seen.clear()
    assert run("embed", "--all")["embedded"] == 3
    assert encoder.texts_seen == []
    assert check()[0] == 0
    assert run("embed", "--all", "--no-cache")["embedded"] == 3
    assert len(encoder.texts_seen) == 3


def test_no_cache_goes_with_all_only():
    with pytest.raises(CommandError, match="goes with --all"):
        call_command("embed", "--no-cache")


def test_each_kind_of_difference_is_counted_and_mended(publish):
    products = publish(6)
    run("embed")
    collection = alias_target()
    get_client().delete(collection, models.PointIdsList(points=[products[0].id]), wait=True)
    get_client().set_payload(collection, {"fingerprint": "other"}, [products[1].id], wait=True)
    Product.objects.filter(pk=products[2].pk).update(version=99)  # behind the services' back
    get_client().upsert(collection, [point(10_000)], wait=True)
    code, found = check()
    assert code == 1
    assert found == CLEAN | {"products": 6, "indexed": 6, "missing": 1, "stale": 2, "orphaned": 1}
    assert check("--repair") == (0, {"products": 6, "indexed": 6} | CLEAN)


def test_a_change_that_was_written_behind_the_services_back_is_stale(publish):
    (product,) = publish()
    run("embed")
    Product.objects.filter(pk=product.pk).update(title="Other")
    assert check()[1]["stale"] == 1


def test_what_waits_in_the_outbox_is_reported(publish):
    publish(2)
    run("embed")
    publish(1)
    code, found = check()
    assert (code, found["missing"], found["waiting"]) == (1, 1, 1)


def test_without_an_index_it_says_so_and_repair_makes_one(publish):
    publish(2)
    with pytest.raises(CommandError, match="run `embed`"):
        call_command("check_index", stderr=io.StringIO())
    assert check("--repair")[0] == 0


def test_streams_longer_than_their_portions_are_merged_in_order(publish, monkeypatch):
    monkeypatch.setattr(compare, "PRODUCTS_AT_ONCE", 3)
    monkeypatch.setattr(compare, "POINTS_AT_ONCE", 2)
    products = publish(10)
    run("embed")
    collection = alias_target()
    services.archive([products[4].id])
    get_client().delete(collection, models.PointIdsList(points=[products[0].id, products[9].id]), wait=True)
    get_client().upsert(collection, [point(id) for id in range(20_000, 20_005)], wait=True)
    verdicts = dict(compare.compare(collection, thorough=True))
    assert list(verdicts) == sorted(verdicts)
    assert {id for id, verdict in verdicts.items() if verdict == "missing"} == {products[0].id, products[9].id}
    assert {id for id, v in verdicts.items() if v == "orphaned"} == {products[4].id, *range(20_000, 20_005)}
    found = compare_all(collection)
    assert (found.products, found.indexed, found.stale) == (9, 13, 0)


def test_an_empty_shop_is_clean():
    run("embed")
    assert check() == (0, {"products": 0, "indexed": 0} | CLEAN)
    assert not OutboxEntry.objects.exists()
