"""The outbox: which products' points may differ from their rows. docs/architecture.md says why it is the truth."""

import uuid
from collections.abc import Iterable

from django.db import models
from django.utils import timezone

from catalog.models.rows import ShopRow


class OutboxEntry(ShopRow):
    """One product whose point must be brought level. Written in the transaction of the change, at most one a product.

    Whoever drains it looks at the product's row as it is now (published: upsert the point; anything else: delete it),
    so entries coalesce and replays are harmless. An entry is removed only while its `token` is still the one that was
    claimed: a change made meanwhile gives it a new token, and the entry stays.
    """

    # No foreign key: the entry outlives a deleted product, whose point must go.
    product_id = models.BigIntegerField()
    token = models.UUIDField(default=uuid.uuid4)
    created_at = models.DateTimeField(default=timezone.now)
    available_at = models.DateTimeField(default=timezone.now, help_text="Not before this: a lease or a back-off")
    claimed_by = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    parked_at = models.DateTimeField(null=True, blank=True, help_text="Given up after too many attempts")

    class Meta:
        verbose_name_plural = "outbox entries"
        ordering = ["id"]
        indexes = [models.Index(fields=["parked_at", "shop", "available_at"])]
        constraints = [models.UniqueConstraint(fields=["product_id", "shop"], name="outbox_entry_once")]

    def __str__(self) -> str:
        return f"product {self.product_id}"

    @classmethod
    def add(cls, product_ids: Iterable[int]) -> None:
        """Mark products as changed. Call it inside the transaction that changes them.

        One upsert, so that two transactions that touch the same product cannot trip over each other. A lease that is
        held is left alone: its holder sees the new token and leaves the entry for the next batch.
        """
        OutboxEntry.objects.bulk_create(
            [OutboxEntry(product_id=product_id) for product_id in dict.fromkeys(product_ids)],
            batch_size=500,
            update_conflicts=True,
            unique_fields=["product_id", "shop"],
            update_fields=["token", "attempts", "error", "parked_at"],
        )
