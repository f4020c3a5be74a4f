"""Which shop a task works for: it travels in a header of the message.

What a request or another task sends is for the shop that it worked for, retries included. What the schedule sends is
for no shop, and becomes one message for each active shop: so a shop whose work fails or takes long stops none of the
others.
"""

import contextlib
import logging
from typing import Any, Final

import structlog
from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.conf import settings

from catalog.hosts import active_shops
from catalog.tenancy import NoShopError, current_shop_id, in_shop

log = logging.getLogger(__name__)

HEADER: Final = "shop"
# Of a shop's message. It may wait behind the turns of all other shops; those of the schedule itself expire sooner, and
# while they wait nothing is added.
EXPIRES: Final = 3600
_working: dict[str, contextlib.ExitStack] = {}  # by the task's id


class ShopTask(Task):
    """The class of all tasks (`vetrina.celery`)."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if settings.MULTI_SHOP and _current() is None:
            for shop in active_shops():
                with in_shop(shop.id):
                    self.apply_async(args, kwargs, expires=EXPIRES)
            return None
        # Celery's own begins a request of its own, in which nothing can be tried again.
        return super().__call__(*args, **kwargs) if self.request.called_directly else self.run(*args, **kwargs)


def _current() -> int | None:
    try:
        return current_shop_id()
    except NoShopError:
        return None


@before_task_publish.connect
def carry(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if settings.MULTI_SHOP and headers is not None and (shop_id := _current()) is not None:
        headers[HEADER] = shop_id


@task_prerun.connect
def begin(task_id: str = "", task: Any = None, **kwargs: Any) -> None:
    shop_id = task.request.get(HEADER) or (task.request.get("headers") or {}).get(HEADER)
    if not settings.MULTI_SHOP or not isinstance(shop_id, int):
        return
    stack = _working[task_id] = contextlib.ExitStack()
    stack.enter_context(in_shop(shop_id))
    slug = next((shop.slug for shop in active_shops() if shop.id == shop_id), str(shop_id))
    structlog.contextvars.bind_contextvars(shop=slug)


@task_postrun.connect
def end(task_id: str = "", **kwargs: Any) -> None:
    if (stack := _working.pop(task_id, None)) is not None:
        stack.close()
