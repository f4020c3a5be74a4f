"""Who is shown in the sponsored places, and what each pays.

The generalised second-price auction with quality scores (Edelman, Ostrovsky and Schwarz, "Internet Advertising and the
Generalized Second-Price Auction", American Economic Review 97, 2007; Varian, "Position Auctions", 2007). What is not
relevant cannot buy its way in: `candidates.entries` keeps it out. What enters is ordered by bid times quality, and the
winner of a place pays the least bid with which it would still have it: the score of whoever would stand there instead,
divided by its own quality, and at least the reserve. So no price depends on the winner's own bid.

Quality is the relevance. A bid for a click counts as what one view of it is worth, which is the bid times the expected
share of views that are clicked, so that both kinds of campaign meet in one auction.
"""

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

UNIT = Decimal("0.0001")  # of prices; bids have as many places
RELEVANCE_UNIT = Decimal("0.000001")


@dataclass(frozen=True)
class Entry:
    """A product that a campaign puts up for this one auction."""

    campaign_id: int
    product_id: int
    store_id: int
    family: str  # products that differ only in colour or size; empty: none
    bid: Decimal  # what one charge may be, which is less than the campaign's bid where less is left; UNITs
    relevance: float  # 0 to 1
    reserve: Decimal = UNIT  # the least that one charge is
    worth: Decimal = Decimal(1)  # charges expected from one view: 1 for views, the click rate for clicks
    rest: int = 1_000  # how many more times this shopper may see the campaign today

    @property
    def quality(self) -> Decimal:
        return Decimal(self.relevance).quantize(RELEVANCE_UNIT) * self.worth

    @property
    def score(self) -> Decimal:
        return self.bid * self.quality


@dataclass(frozen=True)
class Won:
    entry: Entry
    price: Decimal  # of one charge, in UNITs; from the reserve to the bid


@dataclass
class _Line:
    """What has a place already, and so who may not have one any more."""

    products: set[int] = field(default_factory=set)
    families: set[str] = field(default_factory=set)
    stores: Counter[int] = field(default_factory=Counter)
    campaigns: Counter[int] = field(default_factory=Counter)

    def admits(self, entry: Entry, per_store: int) -> bool:
        return (
            entry.product_id not in self.products
            and entry.family not in self.families
            and self.stores[entry.store_id] < per_store
            and self.campaigns[entry.campaign_id] < entry.rest
        )

    def add(self, entry: Entry) -> None:
        self.products.add(entry.product_id)
        self.families |= {entry.family} - {""}
        self.stores[entry.store_id] += 1
        self.campaigns[entry.campaign_id] += 1


def hold(
    entries: Collection[Entry],
    places: int,
    *,
    per_store: int = 1,
    chance: random.Random | None = None,
) -> list[Won]:
    """Hold one auction for `places` places, best place first. Equal scores are drawn for.

    A price is set by the best entry of another store that could stand in the place instead: a store does not bid
    against itself, and whoever is kept out by the winner (another colour of the same product) still counts against it.
    """
    able = [each for each in entries if each.bid >= each.reserve and each.score > 0]
    (chance or random.SystemRandom()).shuffle(able)
    able.sort(key=lambda entry: entry.score, reverse=True)
    line, won = _Line(), list[Won]()
    for index, entry in enumerate(able):
        if len(won) == places:
            break
        if line.admits(entry, per_store):
            won.append(Won(entry, _price(entry, able[index + 1 :], line, per_store)))
            line.add(entry)
    return won


def _price(entry: Entry, below: Sequence[Entry], line: _Line, per_store: int) -> Decimal:
    """`line` is as it stands before the entry is added."""
    for rival in below:
        if rival.store_id != entry.store_id and line.admits(rival, per_store):
            # Rounded up, so that the rival's score is met. It cannot pass the bid, which is a whole number of UNITs.
            return max((rival.score / entry.quality).quantize(UNIT, ROUND_CEILING), entry.reserve)
    return entry.reserve
