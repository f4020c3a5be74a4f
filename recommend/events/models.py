"""Shoppers and the append-only log of what they did."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.rows import ShopRow


class Shopper(ShopRow):
    """Somebody who shops, known by an anonymous key on one device, or by an account on all of them.

    On login the device's shopper points to the account's (`merged_into`); nothing is rewritten, so taking the pointer
    back undoes it. The history of a shopper is that of all who point to it. `merged_at` stays when a merge is undone,
    so that the next login does not repeat it.
    """

    key = models.UUIDField(default=uuid.uuid4, editable=False, help_text="What the device's cookie holds")
    # An account may shop in several shops, and is a shopper of its own in each.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, db_index=False, related_name="+"
    )
    # With an account goes what was done on its devices.
    merged_into = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="merged")
    merged_at = models.DateTimeField(null=True, blank=True)
    # What the shopper switched off: then nothing that they did before is used for what they are shown.
    personalised = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "shop"], name="shopper_key_once"),
            models.UniqueConstraint(fields=["user", "shop"], name="shopper_account_once"),
            models.CheckConstraint(condition=~Q(merged_into=models.F("id")), name="shopper_not_merged_into_itself"),
        ]

    def __str__(self) -> str:
        return str(self.user) if self.user_id else f"shopper {str(self.key)[:8]}"


class Event(ShopRow):
    """One thing that one shopper did. Never updated; removed only when it is older than EVENT_RETENTION_DAYS.

    Write it through `recommend.events.log.record`. On PostgreSQL the table is partitioned by month and its primary key
    is (id, happened_at), as a key of a partitioned table has to hold what it is partitioned by; ids come from one
    sequence, so that they are unique all the same.
    """

    class Kind(models.TextChoices):
        VIEW = "view", "View"
        CLICK = "click", "Click on a hit or a recommendation"
        SEARCH = "search", "Search"
        CART = "cart", "Add to cart"
        REMOVE = "remove", "Remove from cart"
        PURCHASE = "purchase", "Purchase"
        RATING = "rating", "Rating"
        LIKE = "like", "Like"
        HIDE = "hide", "Hide"
        NOT_FOR_ME = "not-for-me", "Not for me"

    event_id = models.UUIDField(help_text="Given by the client: the same one twice is one event")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    # None where the shopper did not consent: then it counts what happened, and nobody can tell to whom. The indexes
    # below begin with these two fields, so neither has one of its own, which every write would pay for.
    shopper = models.ForeignKey(
        Shopper, on_delete=models.CASCADE, null=True, blank=True, db_index=False, related_name="events"
    )
    # No constraint in the database: the log outlives the product, and a write must not look up and lock its row.
    product = models.ForeignKey(
        "catalog.Product",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
    )
    query = models.CharField(max_length=300, blank=True)
    # Whose hit it was, or that it is about: the id of a search.models.LoggedSearch, whose row may be gone by now.
    search_id = models.UUIDField(null=True, blank=True)
    surface = models.CharField(max_length=40, blank=True, help_text="Where the product was shown: for-you, search, …")
    position = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Counted from 0")
    value = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, help_text="A rating of 1 to 5, or the price paid"
    )
    quantity = models.PositiveSmallIntegerField(default=1)
    basket = models.CharField(max_length=64, blank=True, help_text="What was bought together shares one")
    session = models.CharField(max_length=64, blank=True)
    device = models.CharField(max_length=20, blank=True, help_text="phone, tablet, desktop, app")
    consent = models.BooleanField(default=True, help_text="May be used for this shopper's own recommendations")
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["shopper", "-happened_at"]),
            models.Index(fields=["product", "kind", "-happened_at"]),
            models.Index(fields=["-happened_at", "shop"]),
            models.Index(fields=["search_id", "shop"], condition=Q(search_id__isnull=False), name="event_of_a_search"),
        ]
        constraints = [
            # With the time, because on PostgreSQL the table is partitioned by it; a client that sends an event again
            # sends its time again.
            models.UniqueConstraint(fields=["event_id", "happened_at", "shop"], name="event_once"),
            models.CheckConstraint(
                condition=Q(consent=True, shopper__isnull=False)
                | Q(consent=False, shopper__isnull=True, query="", search_id__isnull=True, basket="", session=""),
                name="event_personal_only_with_consent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.shopper_id} at {self.happened_at:%Y-%m-%d %H:%M}"
