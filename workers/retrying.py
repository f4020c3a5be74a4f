"""How tasks are tried again: what another moment may mend, with growing pauses, within a budget."""

from typing import Any

from django.db import OperationalError

from catalog.retry_budget import RetryBudget
from search.encoders.base import EncoderError
from search.index.errors import VectorStoreError
from workers.shops import ShopTask

# Of this worker's process, for all its tasks. Without it, a database that is away would be asked six times by each task
# that the schedule sends; with it, a fifth more often than without any second try.
budget = RetryBudget(share=0.2, reserve=5)


class Thrifty(ShopTask):
    """Fails at once where the budget is spent. The schedule sends every task again, so nothing is lost by that."""

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        if not self.request.retries:
            budget.first_try()

    def retry(self, *args: Any, exc: Exception | None = None, **options: Any) -> Any:
        if exc is not None and not self.request.called_directly and not budget.allows_another():
            raise exc
        return super().retry(*args, exc=exc, **options)


# The one retry rule. Anything else is a bug.
RETRY: dict[str, Any] = {
    "base": Thrifty,
    "autoretry_for": (OperationalError, VectorStoreError, EncoderError, OSError),
    "retry_backoff": 2,
    "retry_backoff_max": 60,
    "max_retries": 5,
}
