"""What somebody says that a shopper did, before it is in the log, and what may be wrong with it."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from recommend.events.models import Event, Shopper

# Longest texts, in characters: what the columns hold.
LONGEST = {"query": 300, "surface": 40, "basket": 64, "session": 64, "device": 20}
LONGEST_SKU = 64
LONGEST_NAME = 200  # of a shopper in another system
SMALLINT = 32_767
KINDS = frozenset(Event.Kind.values)  # asked for each event, and the enumeration makes its list anew each time
WITHOUT_PRODUCT = frozenset({Event.Kind.SEARCH})
MOST_VALUE = Decimal("9999999999.99")


@dataclass(frozen=True, slots=True)
class EventDraft:
    """One event to be recorded. A product is named by its id or its sku; every kind but a search needs one."""

    kind: str
    shopper: Shopper | None = None  # None: nobody knows who, and the event counts for no one's history
    product_id: int | None = None
    sku: str = ""
    event_id: uuid.UUID = field(default_factory=uuid.uuid4)
    happened_at: datetime | None = None  # with a time zone; None: now
    query: str = ""
    surface: str = ""
    position: int | None = None  # from 0
    value: Decimal | None = None  # a rating of 1 to 5, or the price paid for one
    quantity: int = 1
    basket: str = ""
    session: str = ""
    device: str = ""
    consent: bool = True  # without it nothing is stored that leads to the shopper
    search_id: uuid.UUID | None = None  # of the search whose hit it was; the answer told it as query.id
    placement: uuid.UUID | None = None  # of a sponsored place: what its click or view is charged by


class DraftError(ValueError):
    """An event that is not recorded; the message is a sentence for whoever sent it."""


def check(draft: EventDraft) -> None:
    """Raise `DraftError` where the draft contradicts itself. Products and times are looked at by the log."""
    if draft.kind not in KINDS:
        raise DraftError(f"{draft.kind[:40]!r} is no kind of event. Known are: {', '.join(Event.Kind.values)}.")
    if draft.kind in WITHOUT_PRODUCT:
        if not draft.query.strip() and not draft.sku and draft.product_id is None:
            raise DraftError("A search needs the query.")
    elif not draft.sku and draft.product_id is None:
        raise DraftError(f"An event of kind {draft.kind} needs the sku of its product.")
    for name, longest in LONGEST.items():
        check_text(name, getattr(draft, name), longest)
    check_text("sku", draft.sku, LONGEST_SKU)
    if draft.position is not None and not 0 <= draft.position <= SMALLINT:
        raise DraftError(f"The position is between 0 and {SMALLINT:,}.")
    if not 1 <= draft.quantity <= SMALLINT:
        raise DraftError(f"The quantity is between 1 and {SMALLINT:,}.")
    _check_value(draft)


def check_text(name: str, text: str, longest: int) -> None:
    """Raise `DraftError` for what no database stores, and for what is longer than `longest` characters."""
    if len(text) > longest:
        raise DraftError(f"The {name} has {len(text):,} characters; at most {longest} are kept.")
    if "\x00" in text:
        raise DraftError(f"The {name} holds a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DraftError(f"The {name} is not valid Unicode.") from None


def _check_value(draft: EventDraft) -> None:
    value = draft.value
    if draft.kind == Event.Kind.RATING:
        if value is None or not value.is_finite() or not 1 <= value <= 5:
            raise DraftError("A rating needs a value of 1 to 5.")
    elif value is not None and (not value.is_finite() or not 0 <= value <= MOST_VALUE):
        raise DraftError("The value is the price paid for one: not negative, and below 10,000,000,000.")
