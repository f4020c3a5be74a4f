"""How long the audit log is kept."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from catalog.models.audit import AuditEntry


def forget_old() -> int:
    """Delete entries older than AUDIT_DAYS, and return how many those were."""
    if not settings.AUDIT_DAYS:
        return 0
    return AuditEntry.objects.all().forget_before(timezone.now() - timedelta(days=settings.AUDIT_DAYS))
