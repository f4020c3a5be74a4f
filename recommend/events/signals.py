"""Logins and logouts, as far as they concern shoppers; and shoppers that are deleted."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_delete
from django.dispatch import receiver

from catalog.tenancy import in_shop
from recommend.events.models import Shopper
from recommend.events.shoppers import join_device, part_from_device
from search.log.retention import forget_visitors


@receiver(user_logged_in, dispatch_uid="recommend.join_device")
def _joined(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    join_device(request, user)


@receiver(user_logged_out, dispatch_uid="recommend.part_from_device")
def _parted(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    part_from_device(request)


@receiver(post_delete, sender=Shopper, dispatch_uid="recommend.forget_searches")
def _deleted(sender: Any, instance: Shopper, **kwargs: Any) -> None:
    """The log of searches knows shoppers by their keys alone, so nothing there goes by itself."""
    with in_shop(instance.shop_id):  # with an account go its shoppers of all shops
        forget_visitors([instance.key])
