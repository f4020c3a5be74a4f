"""How a campaign's money is spread over its days, so that it is not gone by breakfast.

Probabilistic throttling, as in Agarwal, Ghosh, Wei and You, "Budget Pacing for Targeted Online Advertisements at
LinkedIn" (KDD 2014): a campaign that is ahead of its plan takes part in fewer auctions, while its bid stays what it is,
so that prices are not distorted. There the share of auctions is a state that a job adjusts each minute by the forecast
of the day's traffic. Here it follows at each request from what is spent and what time it is: nothing to keep, nothing
to run, and the answer is the same in every process. What may be spent by now rises in a straight line over the day.

Times are aware datetimes, money is in the shop's currency.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone

# The width of the throttle, as a share of the day's money: at what may be spent by now no auction is entered, at this
# much less all of them. Wide enough for a few clicks at once, small enough that the evening has its share.
LEAD = 0.1
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Spending:
    """What a campaign may spend and has spent. `spent_today` is of the day that is asked about."""

    bid: Decimal
    budget: Decimal
    spent: Decimal
    spent_today: Decimal
    starts_at: datetime
    ends_at: datetime | None = None
    daily_budget: Decimal | None = None
    even: bool = True  # False: no spreading, the budgets alone hold

    @property
    def left(self) -> Decimal:
        """What one more charge may be at most, now. Never negative."""
        left = self.budget - self.spent
        if self.daily_budget is not None:
            left = min(left, self.daily_budget - self.spent_today)
        return max(left, Decimal(0))


def chance(spending: Spending, now: datetime) -> float:
    """The share of auctions, 0 to 1, that the campaign should enter now."""
    if spending.left <= 0:
        return 0.0
    if not spending.even:
        return 1.0
    start, end = _day_of(spending, now)
    money = _money_of_day(spending, start, end)
    if money is None:
        return 1.0
    elapsed = min(max((now - start) / (end - start), 0.0), 1.0) if end > start else 1.0
    # One charge must always fit, or a bid above a tenth of the day's money would never be shown.
    lead = max(LEAD * money, float(spending.bid))
    # From the lead at the day's beginning to all of the money at its end: a lead that stayed would have it spent early.
    most = lead + max(money - lead, 0.0) * elapsed
    return min(max((most - float(spending.spent_today)) / lead, 0.0), 1.0)


def _day_of(spending: Spending, now: datetime) -> tuple[datetime, datetime]:
    """The part of the local day that lies in the campaign's window."""
    today = timezone.localdate(now)
    start = timezone.make_aware(datetime.combine(today, time()))
    end = timezone.make_aware(datetime.combine(today + DAY, time()))  # 23 or 25 hours later when clocks change
    start = max(start, spending.starts_at)
    return start, end if spending.ends_at is None else min(end, spending.ends_at)


def _money_of_day(spending: Spending, start: datetime, end: datetime) -> float | None:
    """What the day should cost: its part of what was left when it began, and no more than the daily budget.

    None where nothing says how long the budget is to last.
    """
    limits = [] if spending.daily_budget is None else [float(spending.daily_budget)]
    if spending.ends_at is not None and spending.ends_at > start:
        at_start = float(spending.budget - (spending.spent - spending.spent_today))
        limits.append(at_start * ((end - start) / (spending.ends_at - start)))
    return min(limits) if limits else None
