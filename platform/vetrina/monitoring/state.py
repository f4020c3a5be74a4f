"""How the installation stands, in a fixed number of queries, whatever the catalogue's size."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Sum
from django.utils import timezone

from catalog.models import OutboxEntry, Product
from recommend.training import versions
from recommend.training.models import ModelVersion
from search.index.throughput import COUNTED, Standing, standing
from search.models import IndexCollection, IndexingMinute, ProcessSeen
from workers.presence import LATE

RECENT = timedelta(minutes=5)  # that throughput is averaged over


@dataclass(frozen=True)
class State:
    at: datetime
    outbox: Standing
    published: int  # products
    stale: int  # of these, those whose points may differ from their rows
    recent: dict[str, int]  # of the last RECENT: products, failed, texts, pictures, encode_ms
    model: ModelVersion | None  # the recommender's live version
    collections: list[IndexCollection]  # live and filling
    processes: list[ProcessSeen]

    @property
    def seen(self) -> list[ProcessSeen]:
        """Processes that were seen lately."""
        return [process for process in self.processes if self.at - process.seen_at < LATE]

    def workers_of(self, queue: str) -> int:
        return sum(queue in process.queues for process in self.seen)

    @property
    def schedules(self) -> int:
        return sum(process.kind == ProcessSeen.Kind.SCHEDULE for process in self.seen)

    @property
    def model_has_files(self) -> bool:
        return self.model is not None and versions.has_files(self.model)


def read(*, everywhere: bool = False) -> State:
    """Six queries. `everywhere`: of all shops together, and the model that was published last. Raises what the database
    raises.
    """
    now, rows = timezone.now(), "every_shop" if everywhere else "objects"
    marked = getattr(OutboxEntry, rows).filter(product_id=OuterRef("pk"))
    products = (
        getattr(Product, rows)
        .filter(status=Product.Status.PUBLISHED)
        .order_by()
        .aggregate(published=Count("pk"), stale=Count("pk", filter=Exists(marked)))
    )
    minutes = getattr(IndexingMinute, rows).filter(minute__gt=now - RECENT)
    sums: dict[str, Any] = minutes.aggregate(**{f"sum_{name}": Sum(name) for name in COUNTED})
    return State(
        at=now,
        outbox=standing(now, everywhere=everywhere),
        published=products["published"],
        stale=products["stale"],
        recent={name: sums[f"sum_{name}"] or 0 for name in COUNTED},
        model=getattr(ModelVersion, rows).filter(live=True).order_by("-published_at").first(),
        collections=list(
            getattr(IndexCollection, rows).exclude(state=IndexCollection.State.RETIRED).order_by("-state")
        ),
        processes=list(ProcessSeen.objects.all()),
    )
