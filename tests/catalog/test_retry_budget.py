"""Second tries cost what first tries have paid in, so that they add little where everything fails."""

import pytest

from catalog.retry_budget import RetryBudget

pytestmark = pytest.mark.parts


def further_tries(budget: RetryBudget, first_tries: int, at_most: int = 5) -> int:
    """How many follow where each fails, and each would be tried again `at_most` times."""
    made = 0
    for _ in range(first_tries):
        budget.first_try()
        made += sum(budget.allows_another() for _ in range(at_most))
    return made


def test_where_everything_fails_a_tenth_more_is_asked() -> None:
    made = further_tries(RetryBudget(share=0.1, reserve=10), 1000)
    assert 100 <= made <= 110


def test_a_single_failure_is_tried_again() -> None:
    assert further_tries(RetryBudget(share=0.1, reserve=10), 1) == 5


def test_what_is_saved_is_bounded() -> None:
    budget = RetryBudget(share=0.5, reserve=3)
    for _ in range(100):
        budget.first_try()
    assert [budget.allows_another() for _ in range(5)] == [True] * 3 + [False] * 2
