"""The outbox as the workers see it: claim a batch under a lease, and say of each entry how it ended.

An attempt is counted when an entry is claimed and not when it fails, so that a product that kills its worker is given
up in the end as well. Entries that were tried before are claimed in smaller batches, down to one by one: then whatever
kills the worker does so alone, and its innocent neighbours get through.
"""

import os
import socket
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.models import OutboxEntry, Product
from search.models import IndexCollection

SHRINK = 8  # a batch of entries on their n-th attempt is this many times smaller than one on the attempt before
BACK_OFF_SECONDS = 2.0  # doubled with each attempt
LONGEST_BACK_OFF_SECONDS = 600.0
CLOCKS_DIFFER = timedelta(seconds=10)
DIED = "The worker died while it worked on this product."


def _name_process() -> None:
    """What all claims of this process begin with; anew in a forked child."""
    global _machine, _process
    try:
        # A process id says something only where it was given: a container counts from 1 like every other one.
        counted_in = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        counted_in = 0
    _machine = f"{socket.gethostname()[:24]}:{counted_in}:"
    _process = f"{_machine}{os.getpid()}:{uuid.uuid4().hex[:8]}"


_machine = _process = ""
_name_process()
os.register_at_fork(after_in_child=_name_process)


@dataclass
class Claim:
    """Entries that are this worker's until the lease ends. `owner` is unique to the claim, not only to the worker."""

    tokens: dict[int, uuid.UUID]  # product id -> the token seen at the claim
    attempt: int  # 1 at the first
    expires: datetime
    owner: str

    @property
    def product_ids(self) -> list[int]:
        return list(self.tokens)

    def _mine(self, product_ids: Iterable[int]) -> QuerySet[OutboxEntry]:
        return OutboxEntry.objects.filter(claimed_by=self.owner, product_id__in=list(product_ids))

    def renew(self) -> set[int]:
        """Extend the lease where half of it is gone. Returns the product ids that are still this claim's."""
        lease = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
        if timezone.now() < self.expires - lease / 2:
            return set(self.tokens)
        with transaction.atomic():
            kept = set(self._mine(self.tokens).select_for_update().values_list("product_id", flat=True))
            self.expires = timezone.now() + lease
            self._mine(kept).update(available_at=self.expires)
        return kept

    def complete(self, versions: Mapping[int, int | None], written_to: Iterable[str]) -> set[int]:
        """Remove the entries of products whose points are now level; returns the ids for which that was final.

        `versions`: product id -> the version that was written, None where the point was deleted. An entry with another
        token was changed meanwhile and stays; so do all of them while there is a collection that was not `written_to`.
        """
        now = timezone.now()
        with transaction.atomic():
            tokens = dict(self._mine(versions).select_for_update().values_list("product_id", "token"))
            unwritten = set(active_collections().values_list("name", flat=True)) - set(written_to)
            finished = {id for id, token in tokens.items() if token == self.tokens[id]} if not unwritten else set()
            self._mine(finished).delete()
            self._mine(tokens.keys() - finished).update(available_at=now, claimed_by="", attempts=0)
            self._reopen_lost({id: version for id, version in versions.items() if id not in tokens})
        return finished

    def _reopen_lost(self, versions: Mapping[int, int | None]) -> None:
        """The lease ran out and somebody else brought these level; what was written here later may be older."""
        if versions:
            published = Product.objects.filter(id__in=list(versions), status=Product.Status.PUBLISHED)
            current = dict(published.values_list("id", "version"))
            OutboxEntry.add(id for id, version in versions.items() if current.get(id) != version)

    def fail(self, errors: Mapping[int, BaseException]) -> int:
        """Put off products that cannot be indexed; after the last attempt park them. Returns how many were parked."""
        parked = self.attempt >= settings.OUTBOX_MAX_ATTEMPTS
        now = timezone.now()
        pause = min(BACK_OFF_SECONDS * 2 ** (self.attempt - 1), LONGEST_BACK_OFF_SECONDS)
        with transaction.atomic():
            entries = list(self._mine(errors).select_for_update())
            for entry in entries:
                entry.claimed_by = ""
                entry.error = describe(errors[entry.product_id])
                if entry.token != self.tokens[entry.product_id]:  # changed meanwhile, perhaps mended
                    entry.available_at, entry.attempts = now, 0
                elif parked:
                    entry.available_at, entry.parked_at = now, now
                else:
                    entry.available_at = now + timedelta(seconds=pause)
            OutboxEntry.objects.bulk_update(entries, ["claimed_by", "error", "available_at", "attempts", "parked_at"])
        return sum(entry.parked_at is not None for entry in entries)

    def put_off(self, product_ids: Iterable[int], reason: BaseException | None = None, *, seconds: float = 0) -> None:
        """Give entries back without counting the attempt: the fault, if any, was not theirs."""
        error = {"error": describe(reason)} if reason else {}
        self._mine(product_ids).update(
            claimed_by="",
            attempts=self.attempt - 1,
            available_at=timezone.now() + timedelta(seconds=seconds),
            **error,
        )


@dataclass
class Waiting:
    """How much the outbox holds."""

    due: int = 0  # waiting, claimed, or put off
    parked: int = 0
    next_at: datetime | None = field(default=None)  # when the next one can be claimed


def waiting() -> Waiting:
    active = OutboxEntry.objects.filter(parked_at=None)
    first = active.order_by("available_at").values_list("available_at", flat=True).first()
    return Waiting(active.count(), OutboxEntry.objects.exclude(parked_at=None).count(), first)


def claim(limit: int) -> Claim | None:
    """Take up to `limit` entries that are due, for the length of a lease; None when none is."""
    lease = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
    while True:
        now = timezone.now()
        due = OutboxEntry.objects.filter(parked_at=None, available_at__lte=now).order_by("available_at", "id")
        with transaction.atomic():
            attempts = due.values_list("attempts", flat=True).first()
            if attempts is None:
                return None
            size = max(1, limit // SHRINK**attempts)
            # skip_locked: where the database locks rows, several workers claim at once without waiting for each other.
            # SQLite has one writer at a time, and the transaction began with the write lock.
            rows = due.filter(attempts=attempts).select_for_update(skip_locked=True)
            tokens = dict(rows.values_list("product_id", "token")[:size])
            taken = OutboxEntry.objects.filter(product_id__in=tokens)
            if attempts < settings.OUTBOX_MAX_ATTEMPTS:
                owner = f"{_process}{uuid.uuid4().hex[:8]}"
                taken.update(attempts=attempts + 1, claimed_by=owner, available_at=now + lease)
                if tokens:
                    return Claim(tokens, attempts + 1, now + lease, owner)
            else:
                taken.update(parked_at=now, claimed_by="", error=DIED)
        if not tokens:
            return None  # others hold the locks on all that is due


def release_dead() -> int:
    """Give back what processes of this machine had claimed and that are no more; returns how many entries.

    What a process of another machine has claimed, or of another container, waits for the end of its lease. The attempt
    counts: it may have been a product that killed the process.
    """
    claims = OutboxEntry.objects.filter(parked_at=None, claimed_by__startswith=_machine)
    dead = [owner for owner in claims.values_list("claimed_by", flat=True).distinct().order_by() if not _lives(owner)]
    if not dead:
        return 0
    return claims.filter(claimed_by__in=dead).update(claimed_by="", available_at=timezone.now())


def bring_back() -> int:
    """Let entries be due that lie further ahead than anything is put off; returns how many.

    The clock of who claimed or added them was ahead, or this one was put back. Else they would wait until their time
    has come, which may be hours.
    """
    now = timezone.now() + CLOCKS_DIFFER
    lease, back_off = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS), timedelta(seconds=LONGEST_BACK_OFF_SECONDS)
    leased_or_new = Q(available_at__gt=now + lease) & (~Q(claimed_by="") | Q(attempts=0))
    beyond = leased_or_new | Q(available_at__gt=now + max(lease, back_off))
    return OutboxEntry.objects.filter(beyond, parked_at=None).update(available_at=timezone.now())


def _lives(owner: str) -> bool:
    """Whether the process lives that made a claim on this machine. One that got its number since counts as that."""
    if owner.startswith(_process):
        return True
    pid = int(owner.removeprefix(_machine).partition(":")[0])
    if pid == os.getpid():
        return False  # an earlier one's, which had the same number
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def active_collections() -> QuerySet[IndexCollection]:
    """The collections that every write goes to."""
    return IndexCollection.objects.exclude(state=IndexCollection.State.RETIRED)


def describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:1000]
