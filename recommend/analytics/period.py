"""Which searches a report is about: a span of days, and perhaps one device or language."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from search.models import LoggedSearch

USUAL_DAYS = 30
MOST_DAYS = 366


@dataclass(frozen=True)
class Period:
    """Whole days of UTC, the first and the last one included."""

    first: date
    last: date
    device: str = ""
    language: str = ""

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=day) for day in range((self.last - self.first).days + 1)]

    @property
    def before(self) -> "Period":
        """As many days right before."""
        length = self.last - self.first + timedelta(days=1)
        return replace(self, first=self.first - length, last=self.last - length)

    def rows(self) -> QuerySet[LoggedSearch]:
        """Every logged request, further pages and filters among them."""
        rows = LoggedSearch.objects.filter(happened_at__gte=self.since, happened_at__lt=self.until)
        conditions: dict[str, Any] = {"device": self.device, "language": self.language}
        return rows.filter(**{name: value for name, value in conditions.items() if value})

    def searches(self) -> QuerySet[LoggedSearch]:
        """One row a search: what was narrowed or paged afterwards is left out."""
        return self.rows().filter(narrowed=False)


def today_of_searches() -> date:
    return timezone.now().astimezone(UTC).date()


def period_of(params: Any, today: date | None = None) -> Period:
    """Read `from`, `to`, `device` and `language` of an address; what makes no sense there is as good as left out."""
    today = today or today_of_searches()
    last = min(_day(params.get("to", "")) or today, today)
    first = _day(params.get("from", "")) or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        first, last = last, min(first, today)
    first = max(first, last - timedelta(days=MOST_DAYS - 1))
    return Period(first, last, _word(params.get("device", "")), _word(params.get("language", "")))


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 9000 else None


def _word(text: str) -> str:
    return text if len(text) <= 20 and text.isascii() and text.isprintable() else ""
