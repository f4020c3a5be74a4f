"""How often new arrivals were shown and clicked, and draws from what that says of their click-through."""

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone
from numpy.typing import NDArray
from scipy.special import betaincinv

from catalog.tenancy import current_shop_id, in_shop
from recommend.events.models import Event
from recommend.serving.models import Exposure

log = logging.getLogger(__name__)

SURFACE = "new-arrivals"
# Between two writings of a process. What was shown since the last one is written when the next is shown, and lost where
# the process ends before.
FLUSH_SECONDS = 5.0
# How many times shown the rate of all products weighs, before a product's own counts say more.
PRIOR = 100.0
USUAL_RATE = 0.03  # clicks each time shown, where nothing was counted yet

_lock = threading.Lock()
_waiting: Counter[tuple[int, int]] = Counter()  # by shop and product
_flushed_at = 0.0


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def shown(product_ids: Iterable[int]) -> None:
    """Count products as shown. They are written together every few seconds, beside the request and not within it."""
    global _flushed_at
    shop_id = current_shop_id()
    with _lock:
        _waiting.update((shop_id, product) for product in product_ids)
        due = time.monotonic() - _flushed_at > FLUSH_SECONDS and not connection.in_atomic_block
        if due:
            _flushed_at = time.monotonic()
    if due:
        threading.Thread(target=_flush_and_close, name="exposures", daemon=True).start()


def _flush_and_close() -> None:
    try:
        flush()
    except DatabaseError:
        log.warning("Some products shown were not counted", exc_info=True)
    finally:
        connection.close()


def flush() -> None:
    """Write what is waiting. On an error of the database it is lost: it only tunes how much is explored."""
    with _lock:
        waiting = dict(_waiting)
        _waiting.clear()
    for shop_id in sorted({shop_id for shop_id, _ in waiting}):
        with in_shop(shop_id):
            _write({product: count for (shop, product), count in waiting.items() if shop == shop_id})


def _write(counts: dict[int, int]) -> None:
    # Of the hour in which it is written, so that hours that are over stay as they are.
    hour = hour_of(timezone.now())
    products: dict[int, list[int]] = {}
    for product, count in counts.items():
        products.setdefault(count, []).append(product)
    with transaction.atomic():
        Exposure.objects.bulk_create(
            [Exposure(product_id=product, hour=hour) for product in counts], ignore_conflicts=True
        )
        for count, ids in products.items():
            Exposure.objects.filter(hour=hour, product__in=ids).update(shown=F("shown") + count)


def count_clicks(at: datetime) -> int:
    """Bring the clicks level with the log, and drop hours that no new arrival can have any more.

    A click counts in the hour in which it was received: one that comes late changes no hour that was counted before.
    """
    since = hour_of(at) - timedelta(days=settings.RECOMMEND_NEW_DAYS)
    Exposure.objects.filter(hour__lt=since).delete()
    clicks = (
        Event.objects.filter(
            kind=Event.Kind.CLICK, surface=SURFACE, product__isnull=False, happened_at__gte=since, received_at__lt=at
        )
        .order_by()
        .annotate(hour=TruncHour("received_at", tzinfo=UTC))
        .values("product_id", "hour")
        .annotate(count=Count("pk"))
        .values_list("product_id", "hour", "count")
    )
    rows = [Exposure(product_id=product, hour=hour, clicks=count) for product, hour, count in clicks]
    Exposure.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["product", "hour"], update_fields=["clicks"], batch_size=500
    )
    return len(rows)


def drawn(product_ids: Sequence[int], who: str, at: datetime) -> NDArray[np.float64]:
    """(products,) a draw of each one's click-through from what the hours say of it.

    Thompson sampling (Thompson, Biometrika 25, 1933; Chapelle and Li, NIPS 2011): what was shown little may be good and
    is drawn high at times, so it gets seen; what was shown often and not clicked sinks. One shopper has the same draws
    within an hour, so that a page can be scrolled and loaded again: neither this hour counts, nor the one before it,
    whose last clicks are counted in this one. Two queries.
    """
    hour = hour_of(at)
    counted = Exposure.objects.filter(hour__lt=hour - timedelta(hours=1))
    clicks, times_shown = Sum("clicks", default=0), Sum("shown", default=0)
    rows = (
        counted.filter(product__in=product_ids)
        .values("product_id")
        .annotate(clicked=clicks, times=times_shown)
        .values_list("product_id", "clicked", "times")
    )
    counts = {product: (clicked, max(times, clicked)) for product, clicked, times in rows}
    clicked = np.array([counts.get(id, (0, 0))[0] for id in product_ids], np.float64)
    times = np.array([counts.get(id, (0, 0))[1] for id in product_ids], np.float64)
    # Of all products, whichever are asked for.
    whole = counted.aggregate(clicked=clicks, times=times_shown)
    usual = (whole["clicked"] + USUAL_RATE * PRIOR) / (max(whole["times"], whole["clicked"]) + PRIOR)
    chances = np.array([_chance(f"{who} {hour.isoformat()} {id}") for id in product_ids])
    return np.asarray(betaincinv(usual * PRIOR + clicked, (1 - usual) * PRIOR + times - clicked, chances), np.float64)


def _chance(text: str) -> float:
    """A number from 0 to 1, always the same for one text."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64
