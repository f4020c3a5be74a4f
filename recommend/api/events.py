"""POST /api/v1/events: what shoppers did, from pages, apps and a shop's own systems."""

import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from crawleruseragents import is_crawler
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import TextSafeRenderer
from catalog.api.parsing import StrictJSONParser, TooLarge
from catalog.api.permissions import Scopes, may
from catalog.api.throttles import address_of
from catalog.models import Scope
from recommend.events import parsing
from recommend.events.devices import device_of
from recommend.events.drafts import LONGEST, LONGEST_NAME, LONGEST_SKU, SMALLINT, DraftError, EventDraft, check_text
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import by_keys, of_name, of_session, shopper_of
from recommend.sponsored.visits import by_a_person, within_limit
from search.api.views import PublicView

MOST_EVENTS = 1000  # in one request
MINUTE = 60
CHARGED = (Event.Kind.CLICK, Event.Kind.VIEW)
FIELDS = (*parsing.FIELDS, "shopper")


class EventSerializer(serializers.Serializer):
    """The description of an event; `recommend.events.parsing` reads it."""

    event_id = serializers.UUIDField(help_text="Made by the client. Sent again, it is the same event.")
    kind = serializers.ChoiceField(Event.Kind.choices)
    sku = serializers.CharField(required=False, max_length=LONGEST_SKU, help_text="Of the product; not for a search")
    query = serializers.CharField(
        required=False, help_text=f"What was searched for; its first {LONGEST['query']} characters are kept"
    )
    surface = serializers.CharField(required=False, max_length=LONGEST["surface"], help_text="for-you, search, …")
    position = serializers.IntegerField(required=False, min_value=0, max_value=SMALLINT, help_text="From 0")
    value = serializers.DecimalField(
        12, 2, required=False, min_value=0, help_text="A rating of 1 to 5, or the price paid for one"
    )
    quantity = serializers.IntegerField(required=False, min_value=1, max_value=SMALLINT)
    basket = serializers.CharField(
        required=False, max_length=LONGEST["basket"], help_text="The same for what is bought together"
    )
    session = serializers.CharField(
        required=False,
        max_length=LONGEST["session"],
        help_text="A random text of the client. From 16 characters on it stands for the shopper where no cookie does.",
    )
    device = serializers.CharField(
        required=False, max_length=LONGEST["device"], help_text="phone, tablet, desktop or app; else from the browser"
    )
    consent = serializers.BooleanField(required=False, help_text="false: nothing that leads to the shopper is kept")
    happened_at = serializers.DateTimeField(
        required=False, help_text="ISO 8601 with offset, or seconds or milliseconds since 1970; left out: now"
    )
    search_id = serializers.UUIDField(
        required=False, help_text="The search whose hit it was: `query.id` of its answer; not needed for a cart"
    )
    placement = serializers.UUIDField(required=False, help_text="Of the sponsored hit that was clicked or seen")
    shopper = serializers.CharField(
        required=False,
        max_length=LONGEST_NAME,
        help_text="With a key of the scope `events:write`: what the shop's own systems call the shopper. Otherwise the "
        "cookie tells.",
    )


class ResultSerializer(serializers.Serializer):
    index = serializers.IntegerField(help_text="Of the event in the request, from 0")
    event_id = serializers.CharField()
    status = serializers.ChoiceField(["accepted", "duplicate", "rejected", "filtered"])
    reason = serializers.CharField(help_text="Why it was rejected or filtered")


_EVENT = {"$ref": "#/components/schemas/Event"}
_EVENTS = {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": MOST_EVENTS}
BODY = {
    "oneOf": [
        _EVENT,
        _EVENTS,
        {"type": "object", "properties": {"events": _EVENTS}, "required": ["events"], "additionalProperties": False},
    ]
}
REPORT = inline_serializer(
    "EventReport",
    {
        **{name: serializers.IntegerField() for name in ("accepted", "duplicates", "rejected", "filtered")},
        "results": ResultSerializer(many=True),
    },
)
ANY = {"type": "object", "additionalProperties": {}}


class BeaconParser(StrictJSONParser):
    """JSON under the name that `navigator.sendBeacon` gives to a text."""

    media_type = "text/plain"


class EventsView(PublicView):
    """Takes no CSRF token: the cookies that say who the shopper is are SameSite=Lax, which no other site's POST has."""

    scopes: Scopes = {"POST": None}
    unlimited_with = Scope.EVENTS_WRITE
    parser_classes = [StrictJSONParser, BeaconParser]
    renderer_classes = [TextSafeRenderer]

    @extend_schema(
        operation_id="events",
        request={"application/json": BODY, "text/plain": EventSerializer},
        responses={200: REPORT, 400: ANY, 413: ANY, 415: ANY, 429: ANY},
    )
    def post(self, request: Request) -> Response:
        """Record one event, a list of up to 1,000, or `{"events": […]}`.

        Each event is judged by itself: `results` says in order what became of it. Sending one again is harmless. The
        answer is 400 only if every event was rejected. Without a key of the scope `events:write` a client may send
        EVENTS_PER_MINUTE events a minute (429 when none is left), and what crawlers and scripts send is filtered.
        """
        events = _events(request.data)
        trusted = may(request, Scope.EVENTS_WRITE)
        if not trusted and settings.EVENTS_FILTER_BOTS and _is_bot(request):
            return _answer([_Result(event, "filtered", "It was sent by a program.") for event in events])
        room = len(events) if trusted else _room(request, len(events))
        drafts, results = _read(request, events[:room], trusted=trusted)
        results += [
            _Result(event, "rejected", f"More than {settings.EVENTS_PER_MINUTE} events in a minute; send it later.")
            for event in events[room:]
        ]
        max_age = None if trusted else timedelta(days=settings.EVENT_MAX_AGE_DAYS)
        recorded = record(list(drafts.values()), max_age=max_age)
        places = list(drafts)
        for place in recorded.repeated:
            results[places[place]].status = "duplicate"
        for place, reason in recorded.rejected:
            results[places[place]].reject(reason)
        return _answer(results)


class _Result:
    """What became of one event."""

    def __init__(self, event: Any, status: str, reason: str = "") -> None:
        given = event.get("event_id") if isinstance(event, dict) else None
        self.event_id = given[:100] if isinstance(given, str) else ""
        self.status, self.reason = status, reason

    def reject(self, reason: str) -> None:
        self.status, self.reason = "rejected", reason


def _events(data: Any) -> list[Any]:
    """The events of a body. Raises ValidationError and TooLarge."""
    if isinstance(data, dict) and data.keys() == {"events"}:
        data = data["events"]
    events = data if isinstance(data, list) else [data]
    if not events:
        raise ValidationError({"events": ["There is no event in the request."]})
    if len(events) > MOST_EVENTS:
        raise TooLarge(f"{len(events):,} events are too many; at most {MOST_EVENTS:,} go into one request.")
    return events


def _read(request: Request, events: list[Any], *, trusted: bool) -> tuple[dict[int, EventDraft], list[_Result]]:
    """Drafts by index, and a result for each event: accepted for the time being, or rejected."""
    results = [_Result(event, "accepted") for event in events]
    drafts: dict[int, EventDraft] = {}
    for index, event in enumerate(events):
        try:
            drafts[index] = _draft(event, trusted=trusted)
        except DraftError as error:
            results[index].reject(str(error))
    device = device_of(request.headers)
    whose = _as_told(drafts, events) if trusted else _as_known(request, drafts)
    for index, draft in drafts.items():
        drafts[index] = replace(
            draft,
            shopper=whose.get(index),
            device=draft.device or device,
        )
    if not trusted:
        _leave_unpaid(request._request, drafts)
    return drafts, results


def _leave_unpaid(request: HttpRequest, drafts: dict[int, EventDraft]) -> None:
    """Take the placements out that nobody pays for: of staff and programs, and beyond an address's limit."""
    placed = {index: draft for index, draft in drafts.items() if draft.placement and draft.kind in CHARGED}
    payable = bool(placed) and by_a_person(request)
    for index, draft in placed.items():
        if not (payable and draft.placement and within_limit(request, draft.kind, draft.placement)):
            drafts[index] = replace(draft, placement=None)


def _draft(event: Any, *, trusted: bool) -> EventDraft:
    if not isinstance(event, dict):
        raise DraftError("An event is an object.")
    if unknown := sorted(event.keys() - set(FIELDS)):
        raise DraftError(f"{unknown[0][:40]!r} is no field of an event. Known are: {', '.join(FIELDS)}.")
    if event.get("event_id") in (None, ""):
        raise DraftError(
            "An event needs an event_id, a UUID that the client made, so that sending it again is harmless."
        )
    name = event.get("shopper")
    if name not in (None, ""):
        if not trusted:
            raise DraftError("Only who sends an API key (events:write) may say who the shopper is, else the cookie.")
        if not isinstance(name, str):
            raise DraftError("shopper is a text.")
        check_text("shopper", name, LONGEST_NAME)
    return parsing.draft_of(event)


def _as_known(request: Request, drafts: dict[int, EventDraft]) -> dict[int, Shopper | None]:
    """By index the one shopper that the request comes from; nobody is made known for events without consent."""
    agreed = [index for index, draft in drafts.items() if draft.consent]
    if not agreed:
        return {}
    session = next((drafts[index].session for index in agreed if drafts[index].session), "")
    return dict.fromkeys(agreed, shopper_of(request, create=True, session=session))


def _as_told(drafts: dict[int, EventDraft], events: list[Any]) -> dict[int, Shopper | None]:
    """By index the shopper whom the shop's own system names, or whose session it is."""
    keys = {
        index: of_name(name) if (name := events[index].get("shopper")) else of_session(draft.session)
        for index, draft in drafts.items()
        if draft.consent
    }
    known = by_keys(key for key in keys.values() if key)
    return {index: known[key] for index, key in keys.items() if key}


def _is_bot(request: Request) -> bool:
    return bool(is_crawler(request.headers.get("User-Agent", "")))


def _room(request: Request, wanted: int) -> int:
    """How many of `wanted` events this client may still send in this minute. Raises Throttled if none."""
    limit = settings.EVENTS_PER_MINUTE
    now = time.time()
    key = f"events:{address_of(request)}:{int(now // MINUTE)}"
    cache.add(key, 0, 2 * MINUTE)
    try:
        used = cache.incr(key, wanted) - wanted
    except ValueError:  # the cache let it go in between
        used = 0
    if used >= limit:
        raise Throttled(MINUTE - now % MINUTE, f"More than {limit} events in a minute from one client.")
    return min(wanted, limit - used)


def _answer(results: list[_Result]) -> Response:
    counts = Counter(result.status for result in results)
    report = {
        "accepted": counts["accepted"],
        "duplicates": counts["duplicate"],
        "rejected": counts["rejected"],
        "filtered": counts["filtered"],
        "results": [{"index": index, **vars(result)} for index, result in enumerate(results)],
    }
    failed = counts["rejected"] == len(results)
    return Response(report, status.HTTP_400_BAD_REQUEST if failed else status.HTTP_200_OK)
