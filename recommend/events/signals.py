"""Logins and logouts, as far as they concern shoppers."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver

from recommend.events.shoppers import join_device, part_from_device


@receiver(user_logged_in, dispatch_uid="recommend.join_device")
def _joined(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    join_device(request, user)


@receiver(user_logged_out, dispatch_uid="recommend.part_from_device")
def _parted(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    part_from_device(request)
