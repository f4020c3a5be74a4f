"""The audit log: what staff did. Written by `catalog.audit`, changed by nobody."""

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from catalog.models.rows import ShopManager, ShopQuerySet, ShopRow


class AppendOnlyError(Exception):
    """Somebody tried to change or delete an entry of the audit log."""

    def __init__(self) -> None:
        super().__init__("Entries of the audit log are neither changed nor deleted.")


class AuditEntries(ShopQuerySet):
    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError

    def forget_before(self, moment: datetime) -> int:
        """Delete what is older than it has to be kept, and return how many entries that were."""
        return super().filter(at__lt=moment)._raw_delete(self.db)


class AuditEntry(ShopRow):
    """One thing that somebody of the staff did, or that was done to their account.

    It holds names and numbers instead of foreign keys: it outlives the people and the rows that it tells of.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=150, help_text="User name; of commands, the command")
    actor_id = models.BigIntegerField(null=True)
    address = models.CharField(max_length=45, blank=True, help_text="As much of it as AUDIT_ADDRESSES lets be kept")
    action = models.CharField(max_length=60)
    model = models.CharField(max_length=100, blank=True, help_text='"catalog.product"')
    object_id = models.CharField(max_length=64, blank=True)
    object = models.CharField(max_length=200, blank=True, help_text="What it was called at the time")
    changes = models.JSONField(default=list)

    objects = ShopManager.from_queryset(AuditEntries)()  # type: ignore[django-manager-missing, misc]

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["at", "shop"], name="audit_entry_at"),
            models.Index(fields=["action", "shop"], name="audit_entry_action"),
            models.Index(fields=["model", "shop"], name="audit_entry_model"),
        ]
        verbose_name_plural = "audit log entries"

    def __str__(self) -> str:
        return f"{self.actor}: {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError
