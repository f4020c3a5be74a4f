"""Logins and logouts, as far as they concern shoppers; and shoppers that are deleted."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_delete
from django.dispatch import receiver

from catalog.tenancy import in_shop
from recommend.events.models import Shopper
from recommend.events.shoppers import join_device, part_from_device
from recommend.privacy import tombstones
from recommend.privacy.models import ConsentChange
from search.log.retention import forget_visitors


@receiver(user_logged_in, dispatch_uid="recommend.join_device")
def _joined(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    join_device(request, user)


@receiver(user_logged_out, dispatch_uid="recommend.part_from_device")
def _parted(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    part_from_device(request)


@receiver(post_delete, sender=Shopper, dispatch_uid="recommend.forget_searches")
def _deleted(sender: Any, instance: Shopper, **kwargs: Any) -> None:
    """What knows shoppers by their keys alone does not go by itself, and an old cookie starts somebody new."""
    from recommend.privacy.erasing import anonymise_log  # it imports what listens here

    anonymise_log(Shopper, [instance.pk])  # which is called there by the name of its account
    # With an account go its shoppers of all shops.
    with in_shop(instance.shop_id):  # type: ignore[arg-type]
        forget_visitors([instance.key])
        ConsentChange.objects.filter(key=instance.key).update(key=None)
        tombstones.bury([instance.key])


@receiver(post_delete, sender=User, dispatch_uid="recommend.forget_name")
def _account_deleted(sender: Any, instance: User, **kwargs: Any) -> None:
    """Staff may delete a shopper's account; their log then has no need of its name. Of staff's own accounts it has."""
    from recommend.privacy.erasing import anonymise_log  # it imports what listens here

    if not instance.is_staff:
        anonymise_log(User, [instance.pk])
