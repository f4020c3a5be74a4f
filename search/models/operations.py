"""What the pages of operations show of the past, and which processes are at work; both are few rows."""

from django.db import models
from django.utils import timezone

from catalog.models.rows import ShopRow


class IndexingMinute(ShopRow):
    """What was brought level with the index within one minute, by all workers, and how the outbox stood at its end."""

    minute = models.DateTimeField()
    products = models.PositiveIntegerField(default=0, help_text="Points written or deleted")
    failed = models.PositiveIntegerField(default=0, help_text="Put off or parked with their error")
    texts = models.PositiveIntegerField(default=0, help_text="Encoded")
    pictures = models.PositiveIntegerField(default=0, help_text="Encoded")
    encode_ms = models.PositiveBigIntegerField(default=0, help_text="Time in the encoders, of all workers together")
    # Null: nobody looked in that minute, which is another thing than an outbox that is empty.
    waiting = models.PositiveIntegerField(null=True, blank=True)
    parked = models.PositiveIntegerField(null=True, blank=True)
    oldest_seconds = models.FloatField(null=True, blank=True, help_text="Age of the oldest entry that waits")

    class Meta:
        ordering = ["-minute"]
        constraints = [models.UniqueConstraint(fields=["minute", "shop"], name="indexing_minute_once")]

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M}"


class ProcessSeen(models.Model):
    """A worker or the schedule, and when it last said that it lives. It deletes its row when it ends in order."""

    class Kind(models.TextChoices):
        WORKER = "worker", "Worker"
        SCHEDULE = "schedule", "Schedule"

    name = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    queues = models.JSONField(default=list)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "processes seen"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
