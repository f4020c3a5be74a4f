"""Fitted encoders as versions: add, activate, go back. The index follows at the next `embed`."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from search.models import EncoderVersion


def add_version(
    kind: str, backend: str, model_id: str, weights: bytes, report: dict[str, Any], *, active: bool
) -> EncoderVersion:
    """Store a fitted encoder. The same weights for the same kind are stored once; their report is the newest."""
    version, _ = EncoderVersion.objects.update_or_create(
        kind=kind, model_id=model_id, defaults={"backend": backend, "weights": weights, "report": report}
    )
    return activate(version) if active else version


@transaction.atomic
def activate(version: EncoderVersion) -> EncoderVersion:
    """Make new vectors with this version from now on. Queries follow when the collection made with it is live."""
    EncoderVersion.objects.select_for_update().filter(kind=version.kind, active=True).update(active=False)
    version.active, version.activated_at = True, timezone.now()
    version.save(update_fields=["active", "activated_at"])
    return version


@transaction.atomic
def roll_back(kind: str) -> EncoderVersion | None:
    """Go back to the version that was active before; without one, to the encoder as it ships."""
    now = EncoderVersion.objects.select_for_update().filter(kind=kind, active=True).first()
    if now is None:
        return None
    EncoderVersion.objects.filter(pk=now.pk).update(active=False)
    before = (
        EncoderVersion.objects.filter(kind=kind, activated_at__lt=now.activated_at).order_by("-activated_at").first()
    )
    if before is not None:
        # Its own activation stays dated as it was, so that going back twice goes back two steps.
        EncoderVersion.objects.filter(pk=before.pk).update(active=True)
        before.active = True
    return before
