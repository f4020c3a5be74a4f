"""Which state a table that steers the search is in, so that every process notices a change for the price of one row."""

import uuid
from typing import Any

from django.db import models
from django.db.models.signals import post_delete, post_save

from catalog.models.rows import ShopRow


def _token() -> str:
    return uuid.uuid4().hex


class Revision(ShopRow):
    """The state of the table `name`. Each write gives it a new token; a token never comes again."""

    name = models.CharField(max_length=40)
    token = models.CharField(max_length=32, default=_token)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "shop"], name="revision_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.token[:8]}"


def bump(name: str) -> None:
    """Say that the table was written. Needed by hand only after what sends no signals (`update`, `bulk_create`)."""
    Revision.objects.update_or_create(name=name, defaults={"token": _token()})


def bumps(name: str, *senders: type[models.Model]) -> None:
    """Let each row that is saved or deleted bump the revision, in the same transaction."""

    def written(sender: Any, **_: Any) -> None:
        bump(name)

    for sender in senders:
        for signal in (post_save, post_delete):
            signal.connect(written, sender=sender, weak=False, dispatch_uid=f"revision of {name}")
