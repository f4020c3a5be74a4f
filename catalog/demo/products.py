"""From an item of the assortment and its pictures to rows of the import format."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any

from catalog.demo import wording
from catalog.demo.assortment import Brand, Item, Store, brands, stores
from catalog.demo.labels import Labelled
from catalog.demo.pictures import Shots

CURRENCY = "EUR"
NEW_SHARE = 0.08  # of the products came in the last four weeks; the others within two years
CENTS = {10: (0.29, 0.49, 0.79, 0.99), 100: (0.95, 0.99, 0.50), 10_000: (0.00, 0.00, 0.95)}


def ean13(number: int) -> str:
    """A valid EAN-13 in GS1's range for use inside a shop (prefix 20), different for each number below 10**10."""
    # Multiplying by a number that shares no factor with 10**10 scatters without collisions.
    digits = f"20{(number * 7_368_787 + 12_345_677) % 10**10:010d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def price(value: float) -> str:
    """A shop's price near `value`: 2.79, 18.95, 329.00."""
    for limit, endings in CENTS.items():
        if value < limit:
            whole = max(0, int(value))
            return f"{whole + min(endings, key=lambda cents: abs(whole + cents - value)):.2f}"
    return f"{round(value):.2f}"


@dataclass(frozen=True)
class Maker:
    """Draws all rows. `seed` decides every draw; `today` is the day that the dates count back from."""

    seed: int
    today: date
    numbers: "count[int]"

    def rows(self, item: Item, labelled: Labelled, shots: Shots) -> Iterator[dict[str, Any]]:
        """One row, or one for each colour of the family."""
        chance = self._chance(item.label)
        brand = self._brand(item, chance)
        store = self._store(item, chance)
        attributes = {key: _draw(rule, chance) for key, rule in (item.kind.attributes | item.attributes).items()}
        anchor = item.price * brand.tier * min(2.2, max(0.5, chance.lognormvariate(0, item.kind.spread)))
        released = self._released(chance)
        base = {"": shots.files} if not shots.siblings else {shots.colour.name: shots.files, **shots.siblings}
        for colour, files in base.items():
            own = self._chance(f"{item.label}/{colour}")
            sku = f"{brand.code}-{labelled.code}{f'-{colour[:3].upper()}' if colour else ''}"
            amount = price(anchor)
            number = next(self.numbers)
            yield {
                "sku": sku,
                "title": wording.title(item, colour),
                "description": wording.description(item, brand, attributes, self._chance(f"{item.label}/text"), colour),
                "brand": brand.name,
                "store": store.name,
                "category": item.category,
                "price": amount,
                "compare_at_price": price(anchor * own.uniform(1.15, 1.45)) if own.random() < 0.18 else None,
                "currency": CURRENCY,
                "stock": _stock(own),
                "status": "published",
                "mpn": f"{brand.code[:2]}{(number * 7919 + 10_007) % 90_000 + 10_000}",
                "ean": [ean13(number)],
                "family": f"{brand.code}-{labelled.code}" if colour else "",
                "released": released.isoformat(),
                "tags": _tags(item, labelled),
                "attributes": _colour(item, shots, colour) | attributes,
                "translations": wording.translations(item, labelled.translations, colour),
                "images": [
                    {"file": f"images/{file}", "alt": _alt(item, colour, view)} for view, file in enumerate(files)
                ],
                "variants": _variants(item, sku, amount, self._chance(f"{item.label}/variants"), own),
            }

    def _chance(self, what: str) -> random.Random:
        """A generator of its own for each thing, so that a new item changes no other."""
        return random.Random(f"{self.seed}/{what}")  # noqa: S311 - a seeded generator is the point

    def _brand(self, item: Item, chance: random.Random) -> Brand:
        return chance.choice([brand for brand in brands() if item.kind.domain in brand.domains])

    def _store(self, item: Item, chance: random.Random) -> Store:
        return chance.choice([store for store in stores() if item.kind.domain in store.domains])

    def _released(self, chance: random.Random) -> date:
        days = chance.randint(0, 27) if chance.random() < NEW_SHARE else chance.randint(28, 729)
        return self.today - timedelta(days=days)


def _draw(rule: Any, chance: random.Random) -> Any:
    """A value by a rule of `Kind.attributes`; anything that is not a rule is the value itself."""
    if isinstance(rule, list):
        return chance.choice(rule)
    if not isinstance(rule, dict):
        return rule
    if "chance" in rule:
        return chance.random() < rule["chance"]
    if "some" in rule:
        return sorted(chance.sample(rule["some"], rule["count"]), key=rule["some"].index)
    return chance.randrange(rule["low"], rule["high"] + 1, rule.get("step", 1))


def _colour(item: Item, shots: Shots, colour: str) -> dict[str, Any]:
    """Nobody filters soup by colour; of anything else it is the first thing asked."""
    if item.kind.domain == "food":
        return {}
    if colour:
        return {"colour": colour}
    found = shots.colour.names
    return {"colour": found[0] if len(found) == 1 else list(found)}


def _tags(item: Item, labelled: Labelled) -> list[str]:
    """The picture's own name first, where the title uses another word ("soccer ball" for a match football)."""
    name = [labelled.label] if labelled.label.replace(" ", "").isalpha() and labelled.label.count(" ") < 2 else []
    return [tag for tag in (*name, *labelled.tags[:5]) if tag.lower() not in item.title.lower()]


def _stock(chance: random.Random) -> int:
    draw = chance.random()
    if draw < 0.07:
        return 0
    return chance.randint(1, 4) if draw < 0.17 else round(chance.lognormvariate(3.6, 0.7)) + 5


def _alt(item: Item, colour: str, view: int) -> str:
    return f"{wording.title(item, colour)}{', second view' if view else ''}"


def _variants(item: Item, sku: str, base: str, shared: random.Random, own: random.Random) -> list[dict[str, Any]]:
    rule = item.kind.variants
    if rule is None or shared.random() >= rule["share"]:
        return []
    return [
        {
            "sku": f"{sku}-{place}",
            "title": value,
            "attributes": {rule["attribute"]: value},
            "price": base if factor == 1 else price(float(base) * factor),
            "stock": _stock(own),
        }
        for place, (value, factor) in enumerate(rule["options"], start=1)
    ]
