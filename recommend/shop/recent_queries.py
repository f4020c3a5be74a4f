"""A shopper's own earlier queries, for the search box. Named by SEARCH_RECENT_QUERIES, so that the search knows nothing
of events."""

from typing import Any

from recommend.events.models import Event
from recommend.events.shoppers import shopper_of
from recommend.serving.reranking import shopper_of as personalised_shopper_of
from recommend.shop import privacy
from search.log import writing
from search.log.rows import normalised


class RecentQueries:
    """Reads the log of events, which holds queries of none but those who agreed to be remembered."""

    def recent(self, request: Any, limit: int) -> list[str]:
        """The latest different queries, over all devices; empty for strangers, without consent, and for who switched
        personal things off."""
        shopper = personalised_shopper_of(request)
        if shopper is None:
            return []
        searches = privacy.events_of(shopper).filter(kind=Event.Kind.SEARCH, consent=True).exclude(query="")
        return list(dict.fromkeys(searches.values_list("query", flat=True)[:limit]))

    def forget(self, request: Any, query: str) -> int:
        """Also for who has since switched everything off."""
        shopper = shopper_of(request, without_consent=True)
        if shopper is None:
            return 0
        wanted = normalised(query)
        writing.flush()
        searched = privacy.events_of(shopper).filter(kind=Event.Kind.SEARCH)
        told = [pk for pk, each in searched.values_list("pk", "query") if not query or normalised(each) == wanted]
        logged = privacy.searches_of(shopper)
        logged = logged.filter(normalised=wanted) if query else logged
        return Event.objects.filter(pk__in=told).delete()[0] + logged.order_by().delete()[0]
