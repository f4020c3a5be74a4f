"""Leases: one worker at a time, another when it dies, and nothing stale from one that was only slow."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import services
from catalog.models import OutboxEntry, Product
from search.index import filling, outbox
from search.index.batch import Batch
from search.index.client import get_client
from search.index.drain import drain
from search.index.live import live_collection

pytestmark = pytest.mark.django_db


def lease_ended() -> None:
    OutboxEntry.objects.update(available_at=timezone.now() - timedelta(seconds=1))


def entries(count: int) -> list[int]:
    OutboxEntry.add(range(1, count + 1))
    return list(range(1, count + 1))


def test_a_claimed_entry_is_not_claimed_again_until_its_lease_ends(settings):
    entries(3)
    first = outbox.claim(2)
    assert first.product_ids == [1, 2]
    assert outbox.claim(10).product_ids == [3]
    assert outbox.claim(10) is None
    lease_ended()
    assert outbox.claim(1) is not None


def test_entries_put_off_are_not_claimed_before_their_time():
    entries(1)
    outbox.claim(1).put_off([1], seconds=60)
    assert outbox.claim(1) is None


def test_batches_shrink_with_the_attempts_so_that_a_killer_stands_alone_in_the_end(settings):
    settings.OUTBOX_MAX_ATTEMPTS = 4
    entries(256)
    sizes = []
    for _ in range(3):
        sizes.append(len(outbox.claim(256).tokens))
        lease_ended()  # the worker died
        OutboxEntry.objects.exclude(product_id=1).filter(attempts__lt=len(sizes)).delete()
    assert sizes == [256, 32, 4]


def test_a_product_that_always_kills_its_worker_is_parked(settings):
    settings.OUTBOX_MAX_ATTEMPTS = 3
    entries(1)
    for _ in range(3):
        assert outbox.claim(8) is not None
        lease_ended()
    assert outbox.claim(8) is None
    entry = OutboxEntry.objects.get()
    assert entry.parked_at
    assert entry.error == outbox.DIED


def test_the_back_off_doubles(settings, monkeypatch):
    settings.OUTBOX_MAX_ATTEMPTS = 9
    entries(1)
    at = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: at)
    pauses = []
    for _ in range(4):
        outbox.claim(1).fail({1: ValueError("no")})
        pauses.append((OutboxEntry.objects.get().available_at - timezone.now()).total_seconds())
        lease_ended()
    assert [round(pause) for pause in pauses] == [2, 4, 8, 16]


def test_an_entry_that_changed_meanwhile_stays_and_is_due_at_once():
    entries(2)
    claim = outbox.claim(2)
    OutboxEntry.add([1])
    assert claim.complete({1: None, 2: None}, []) == {2}
    entry = OutboxEntry.objects.get()
    assert (entry.product_id, entry.claimed_by, entry.attempts) == (1, "", 0)
    assert outbox.claim(1).product_ids == [1]


def test_a_failure_of_what_was_changed_meanwhile_does_not_count(settings):
    settings.OUTBOX_MAX_ATTEMPTS = 1
    entries(1)
    claim = outbox.claim(1)
    OutboxEntry.add([1])
    assert claim.fail({1: ValueError("no")}) == 0
    assert OutboxEntry.objects.get().attempts == 0


def test_a_lease_is_renewed_in_its_second_half_only(settings):
    settings.OUTBOX_LEASE_SECONDS = 100
    entries(1)
    claim = outbox.claim(1)
    before = OutboxEntry.objects.get().available_at
    assert claim.renew() == {1}
    assert OutboxEntry.objects.get().available_at == before
    claim.expires -= timedelta(seconds=60)
    assert claim.renew() == {1}
    assert OutboxEntry.objects.get().available_at > before


def test_a_lease_that_somebody_else_took_is_not_renewed():
    entries(2)
    slow = outbox.claim(2)
    lease_ended()
    slow.expires = timezone.now()
    outbox.claim(1)
    assert slow.renew() == {2}


@pytest.mark.slow
@pytest.mark.usefixtures("quick_encoders", "vector_store")
def test_a_stalled_worker_leaves_nothing_stale(publish):
    (product,) = publish()
    targets = filling.targets()
    stalled = Batch(outbox.claim(1), targets)
    stalled.load()
    with ThreadPoolExecutor(1) as decoders:
        stalled.encode(decoders)
    stalled.keep()
    # Its lease ends; another worker brings a newer version level; then the first wakes and writes the old one.
    lease_ended()
    product.title = "Newer"
    services.save_product(product)
    drain()
    stalled.write()
    stalled.claim.complete(stalled.versions, [target.name for target in targets])
    drain()
    (point,) = get_client().retrieve(live_collection().name, [product.id])
    assert point.payload["version"] == Product.objects.get().version
    assert not OutboxEntry.objects.exists()


def test_what_a_process_had_claimed_that_is_no_more_is_given_back_at_once():
    entries(3)
    gone = subprocess.Popen(["true"])
    gone.wait()
    outbox.claim(1)
    dead, elsewhere = outbox.claim(1), outbox.claim(1)
    own = OutboxEntry.objects.get(product_id=1).claimed_by
    other = own.replace(f":{os.getpid()}:", f":{gone.pid}:")
    OutboxEntry.objects.filter(product_id__in=dead.product_ids).update(claimed_by=other)
    OutboxEntry.objects.filter(product_id__in=elsewhere.product_ids).update(claimed_by=f"another-{other}")
    assert outbox.release_dead() == 1
    assert outbox.claim(10).product_ids == dead.product_ids
    assert OutboxEntry.objects.get(product_id=2).attempts == 2, "it may have been the product that killed it"


def test_an_earlier_process_with_the_same_number_is_dead():
    entries(1)
    claim = outbox.claim(1)
    machine, pid, _ = claim.owner.rsplit(":", 2)
    OutboxEntry.objects.update(claimed_by=f"{machine}:{pid}:{'0' * 16}")
    assert outbox.release_dead() == 1
    assert outbox.claim(1) is not None


def test_a_process_that_lives_keeps_what_it_claimed():
    entries(1)
    claim = outbox.claim(1)
    machine, _, _ = claim.owner.rsplit(":", 2)
    OutboxEntry.objects.update(claimed_by=f"{machine}:{os.getppid()}:{'0' * 16}")
    assert outbox.release_dead() == 0


AHEAD = timedelta(hours=6)


@pytest.mark.parametrize("how", ["claimed", "added", "put off"])
def test_what_a_clock_that_was_ahead_has_put_off_is_due_once_it_is_right(monkeypatch, how):
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + AHEAD)
    OutboxEntry.add([1])
    if how != "added":
        claimed = outbox.claim(1)
        if how == "put off":
            claimed.fail({1: ValueError("broken")})
    if how == "added":
        OutboxEntry.objects.update(available_at=right() + AHEAD)
    monkeypatch.setattr(timezone, "now", right)
    assert outbox.claim(1) is None
    assert outbox.bring_back() == 1
    assert outbox.claim(1).product_ids == [1]


def test_what_is_put_off_or_leased_as_it_should_be_waits(settings):
    entries(3)
    outbox.claim(1)  # leased
    outbox.claim(1).put_off([2], seconds=settings.OUTBOX_SWEEP_SECONDS)
    entry = OutboxEntry.objects.get(product_id=3)
    entry.attempts, entry.available_at = 9, timezone.now() + timedelta(seconds=outbox.LONGEST_BACK_OFF_SECONDS)
    entry.save()
    assert outbox.bring_back() == 0
    assert outbox.claim(3) is None
