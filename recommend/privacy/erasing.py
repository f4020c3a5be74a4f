"""One person's data is erased: rows at once and as a whole, and what lies beside them as soon as it can be reached.

The rows go in one transaction, together with a note of what is still to be done (`Erasure`). A process that dies
afterwards leaves that note, and the next `resume` goes on from it. Each step may be done twice.
"""

import logging
import uuid
from datetime import timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from recommend.events.models import Event, Shopper
from recommend.privacy import tombstones
from recommend.privacy.models import ConsentChange, Erasure
from recommend.privacy.sessions import end_sessions
from recommend.privacy.subjects import Subject
from recommend.serving import memory
from recommend.sponsored.models import Placement
from search.log.retention import forget_visitors

log = logging.getLogger(__name__)

# Other processes write searches from memory within SEARCH_LOG_SECONDS, or as soon as the database takes them again.
SETTLED = timedelta(minutes=10)
ERASED = "erased"  # what the staff's log then calls the account


def erase(subject: Subject, *, by: Erasure.By) -> Erasure:
    """Erase all that is kept of a person, the account too. Money that was charged stays, and loses the person.

    An account of staff stays, with its name in the staff's log; what its owner did as a shopper goes.
    """
    with transaction.atomic():
        # Locked, so that no device joins meanwhile; ids in one order, as `merge` takes them.
        theirs = Q(pk__in=subject.ids) | Q(key__in=subject.strangers)  # who may have become known meanwhile
        locked = list(Shopper.objects.select_for_update().filter(theirs).order_by("pk"))
        keys, ids = list({*(each.key for each in locked), *subject.strangers}), [each.pk for each in locked]
        user = subject.user
        goes = user is not None and not (user.is_staff or user.is_superuser)
        erasure = Erasure.objects.create(
            by=by, waiting={"keys": [str(key) for key in keys], "user": user.pk if user and goes else None}
        )
        tombstones.bury(keys)
        erasure.rows = _rows(keys, ids)
        if user is not None and goes:
            anonymise_log(User, [user.pk])
            erasure.rows += User.objects.filter(pk=user.pk).delete()[0]
        erasure.save(update_fields=["rows"])
    finish(erasure)
    return erasure


def _rows(keys: list[uuid.UUID], ids: list[int]) -> int:
    """Delete what leads to these shoppers, and cut off what has to stay."""
    Placement.objects.filter(shopper__in=ids).update(shopper=None)
    ConsentChange.objects.filter(key__in=keys).update(key=None)
    anonymise_log(Shopper, ids)
    gone = forget_visitors(keys) + Event.objects.filter(shopper__in=ids).delete()[0]
    # Devices first, since they point to the account's.
    gone += Shopper.objects.filter(pk__in=ids, merged_into__isnull=False).delete()[0]
    return gone + Shopper.objects.filter(pk__in=ids).delete()[0]


def finish(erasure: Erasure) -> None:
    """Do what no transaction reaches; done for good once no other process can hold anything any more."""
    keys = [uuid.UUID(key) for key in erasure.waiting.get("keys", [])]
    if (user := erasure.waiting.get("user")) is not None:
        end_sessions(user)
    forget_visitors(keys)
    memory.forget_shoppers(keys)
    if timezone.now() - erasure.asked_at >= SETTLED:
        Erasure.objects.filter(pk=erasure.pk).update(waiting={}, finished_at=timezone.now())


def resume() -> int:
    """Go on with every erasure that is not finished; return how many are finished now. One that fails waits on."""
    unfinished = list(Erasure.objects.filter(finished_at=None).order_by("pk"))
    for each in unfinished:
        try:
            finish(each)
        except Exception:
            log.exception("Erasure %d could not be finished yet", each.pk)
    left = Erasure.objects.filter(pk__in=[each.pk for each in unfinished], finished_at=None).count()
    return len(unfinished) - left


def anonymise_log(model: Any, ids: list[int]) -> None:
    """Take the names of these rows out of the log of what staff did; that something was done to a row stays."""
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(model), object_id__in=[str(each) for each in ids]
    ).update(object_repr=ERASED, change_message="")
