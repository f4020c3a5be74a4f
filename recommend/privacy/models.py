"""What is kept of consent and of erasures, so that both can be shown to have happened."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.rows import ShopRow


class ConsentChange(ShopRow):
    """Somebody agreed to be remembered, or took it back. Deleted after PRIVACY_RECORD_DAYS.

    `key` is the shopper's anonymous key; None for a refusal by somebody who was never known, and after an erasure: then
    the row tells that it happened and when, and no longer of whom.
    """

    key = models.UUIDField(null=True, blank=True, db_index=True)
    given = models.BooleanField()
    happened_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{'given' if self.given else 'withdrawn'} at {self.happened_at:%Y-%m-%d %H:%M}"


class Erasure(ShopRow):
    """One person's erasure. Rows went in the transaction that made this; the rest is done until `finished_at` is set.

    Until then `waiting` holds what leads to the rest: {"keys": [uuid, …], "user": id or null}. Afterwards nothing here
    leads to anybody, and the row shows that the request was met. Deleted after PRIVACY_RECORD_DAYS.
    """

    class By(models.TextChoices):
        SHOPPER = "shopper", "The shopper"
        ADMINISTRATOR = "administrator", "An administrator"
        COMMAND = "command", "An operator's command"
        RETENTION = "retention", "The end of its time"

    by = models.CharField(max_length=14, choices=By.choices)
    waiting = models.JSONField(default=dict, blank=True)
    rows = models.PositiveIntegerField(default=0, help_text="Events, searches, places and devices")
    asked_at = models.DateTimeField(default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(finished_at__isnull=True), name="erasure_unfinished")]

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class ErasedKey(ShopRow):
    """The SHA-256 of a key that was erased: a cookie that still brings it starts somebody new.

    A key is 122 random bits, so nobody finds it from the hash. Deleted when the last such cookie has expired.
    """

    digest = models.CharField(max_length=64)
    erased_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "shop"], name="erased_key_once")]

    def __str__(self) -> str:
        return self.digest[:8]
