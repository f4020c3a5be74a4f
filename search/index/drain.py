"""Bring the index level with the database: outbox entries in, points out.

Three stages overlap: while one batch is encoded, the next is read from the database and the one before is sent to the
store. Only the encoder and the store have a thread of their own; all that touches the database stays in the caller's,
so that its transactions and connections are the caller's too.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from catalog.per_shop import ShopThreads
from search.encoders.base import EncoderError
from search.index import companions, filling, outbox
from search.index.batch import Batch
from search.index.errors import VectorStoreError
from search.index.throughput import Meter

logger = logging.getLogger(__name__)

DECODERS = 2  # threads that decode pictures
GONE = 404


@dataclass
class DrainReport:
    """What a drain has done, in products; and what it has encoded, in texts and pictures."""

    done: int = 0  # points written or deleted
    failed: int = 0  # put off or parked with their error
    parked: int = 0  # of these, given up
    texts: int = 0
    pictures: int = 0
    put_off: int = 0  # by a fault that was not theirs
    reason: str = ""  # of that
    out_of_time: bool = False  # so there may be more to do

    @property
    def claimed(self) -> int:
        return self.done + self.failed + self.put_off


def drain_once(limit: int | None = None) -> DrainReport:
    """Bring one batch level, of at most `limit` products (default: settings.OUTBOX_BATCH). See `drain`."""
    return _Pipeline(limit or settings.OUTBOX_BATCH, batches=1).run()


def drain(*, seconds: float | None = None, progress: Callable[[DrainReport], None] | None = None) -> DrainReport:
    """Bring batches level until nothing is due, or no longer than `seconds`, feeding a new collection meanwhile.

    `progress` is called with the report so far after each batch. A store or an encoder that does not work ends the
    drain early: what was claimed is put off, and `report.reason` says why. Nothing else is raised but database errors.
    """
    if ahead := outbox.bring_back():
        logger.warning("%d products would have waited for a time that no right clock had given them", ahead)
    if released := outbox.release_dead():
        logger.warning("%d products had been claimed by processes that are no more", released)
    return _Pipeline(settings.OUTBOX_BATCH, seconds=seconds, progress=progress).run()


@dataclass
class _Pipeline:
    size: int
    batches: int | None = None
    seconds: float | None = None
    progress: Callable[[DrainReport], None] | None = None
    report: DrainReport = field(default_factory=DrainReport)
    _encoding: deque[tuple[Batch, Future[tuple[int, int]]]] = field(default_factory=deque)
    _writing: deque[tuple[Batch, Future[None]]] = field(default_factory=deque)
    _meter: Meter = field(default_factory=Meter)
    _encode_seconds: float = 0.0  # of the encoder's thread, until told

    def run(self) -> DrainReport:
        encoder, writer, decoders = ShopThreads(1, "encode"), ShopThreads(1, "write"), ShopThreads(DECODERS, "decode")
        deadline = time.monotonic() + self.seconds if self.seconds is not None else None
        left = self.batches
        try:
            while True:
                batch = None
                self.report.out_of_time |= deadline is not None and time.monotonic() > deadline
                if left != 0 and not self.report.reason and not self.report.out_of_time:
                    batch = self._next()
                if batch is not None:
                    left = left - 1 if left is not None else None
                    self._encoding.append((batch, encoder.submit(self._encode, batch, decoders)))
                elif not self._encoding and not self._writing:
                    return self.report
                # One batch waits for the encoder while another is in it; without a new one, everything moves on.
                while len(self._encoding) > (1 if batch else 0):
                    self._encoded(writer)
                while len(self._writing) > (1 if batch or self._encoding else 0):
                    self._written()
        finally:
            # On the way out by an exception (a stop of the worker is one), nothing stays claimed until its lease ends.
            for pool in (encoder, writer, decoders):
                pool.shutdown(cancel_futures=True)
            for unfinished, _ in [*self._encoding, *self._writing]:
                unfinished.claim.put_off(unfinished.claim.product_ids)
            self._meter.write()

    def _encode(self, batch: Batch, decoders: Executor) -> tuple[int, int]:
        started = time.perf_counter()
        try:
            return batch.encode(decoders)
        finally:
            self._encode_seconds += time.perf_counter() - started

    def _next(self) -> Batch | None:
        try:
            targets = filling.targets()
            # Before each batch, and not only when nothing is due: where products change all the time, something is.
            filling.advance()
            claim = outbox.claim(self.size)
            if claim is None:
                return None
        except (VectorStoreError, EncoderError) as error:
            self._stop(error)
            return None
        batch = Batch(claim, targets)
        batch.load()
        return batch

    def _encoded(self, writer: Executor) -> None:
        batch, encoding = self._encoding[0]
        self._keep_leases(encoding)
        try:
            texts, pictures = encoding.result()
        except Exception as error:
            self._encoding.popleft()
            self._failed(batch, error)
            return
        self.report.texts += texts
        self.report.pictures += pictures
        if texts or pictures:
            self._meter.add(texts=texts, pictures=pictures, encode_ms=round(1000 * self._encode_seconds))
            self._encode_seconds = 0.0
        batch.keep()
        batch.restrict(batch.claim.renew())
        self._encoding.popleft()
        self._writing.append((batch, writer.submit(batch.write)))

    def _written(self) -> None:
        batch, writing = self._writing[0]
        self._keep_leases(writing)
        try:
            writing.result()
            companions.tell(batch.written, batch.gone)
        except Exception as error:
            self._writing.popleft()
            self._failed(batch, error)
            return
        batch.claim.complete(batch.versions, [target.name for target in batch.targets])
        if batch.failed:
            self.report.parked += batch.claim.fail(batch.failed)
            for id, fault in batch.failed.items():
                logger.warning("Product %s cannot be indexed: %s", id, outbox.describe(fault))
        self._writing.popleft()
        self.report.done += len(batch.versions)
        self.report.failed += len(batch.failed)
        self._meter.add(products=len(batch.versions), failed=len(batch.failed))
        if self.progress:
            self.progress(self.report)

    def _keep_leases(self, work: Future[Any]) -> None:
        """Wait for work to end, however long it takes, without losing what is claimed."""
        while not wait([work], timeout=settings.OUTBOX_LEASE_SECONDS / 4).done:
            for batch, _ in [*self._encoding, *self._writing]:
                batch.claim.renew()

    def _failed(self, batch: Batch, error: Exception) -> None:
        """A whole batch failed, and no product in it stood out."""
        ids = batch.claim.product_ids
        if not isinstance(error, (VectorStoreError, EncoderError)) or error.permanent:
            # Unforeseen, so perhaps a product's doing after all: count it, and come back in smaller batches.
            logger.error("A batch could not be indexed", exc_info=error)
            self.report.parked += batch.claim.fail(dict.fromkeys(ids, error))
            self.report.failed += len(ids)
            self._meter.add(failed=len(ids))
            return
        batch.claim.put_off(ids, error, seconds=settings.OUTBOX_SWEEP_SECONDS)
        self.report.put_off += len(ids)
        self._stop(error)
        if isinstance(error, VectorStoreError) and error.status == GONE:
            filling.ensure_current()  # the store was lost with its collections: make them anew

    def _stop(self, error: Exception) -> None:
        self.report.reason = outbox.describe(error)
        logger.warning("The outbox is not drained: %s", self.report.reason)
