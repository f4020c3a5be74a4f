"""Shoppers by the hundred click at once, over HTTP, on a real server: no cent too much, none twice."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.recommend.sponsored.shop_server import BROWSER, ShopServer, served

pytestmark = [pytest.mark.slow, pytest.mark.own_parts]

SEED = """
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4
from catalog.models import Product, Store
from recommend.models import Campaign, Placement
store, _ = Store.objects.get_or_create(name="Corner", slug="corner")
sold = {"slug": "p", "title": "P", "store": store, "status": "published", "stock": 5}
product, _ = Product.objects.get_or_create(sku="P", defaults=sold)
keys = {}
for name, fields, price, count in %r:
    fields = {key: Decimal(value) if key.endswith("budget") else value for key, value in fields.items()}
    campaign = Campaign.objects.create(name=name, store=store, bid=1, pacing="none", **fields)
    campaign.products.add(product)
    placements = [
        Placement(key=uuid4(), campaign=campaign, product=product, surface="home", price=Decimal(price))
        for _ in range(count)
    ]
    Placement.objects.bulk_create(placements)
    keys[name] = [str(placement.key) for placement in placements]
result = keys
"""
LEDGER = """
from django.utils import timezone
from recommend.models import Campaign, Charge, Placement
result = {
    campaign.name: {
        "spent": str(campaign.spent),
        "today": str(campaign.spent_on_day),
        "amounts": [str(charge.amount) for charge in campaign.charges.all()],
        "of_day": [
            str(charge.amount) for charge in campaign.charges.all()
            if timezone.localdate(charge.charged_at) == campaign.spending_day
        ],
        "placements": [str(charge.placement.key) for charge in campaign.charges.select_related("placement")],
        "clicked": campaign.placements.exclude(clicked_at=None).count(),
    }
    for campaign in Campaign.objects.all()
}
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request, tmp_path_factory):
    """One for all tests of a database: each has campaigns of its own."""
    with served(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


def all_at_once(addresses: list[tuple[str, str]]) -> Counter[int]:
    """Send every request from a thread and connection of its own, in the same moment. Returns the answers' statuses."""
    start = threading.Barrier(len(addresses))

    def send(method: str, address: str) -> int:
        with httpx.Client(headers={"User-Agent": BROWSER}, timeout=120) as client:
            start.wait()
            return client.request(method, address).status_code

    with ThreadPoolExecutor(len(addresses)) as pool:
        return Counter(pool.map(lambda each: send(*each), addresses))


def ledger(server: ShopServer) -> dict[str, dict[str, Any]]:
    """What was charged, after checking that campaign, day and ledger agree and no placement was charged twice."""
    found: dict[str, dict[str, Any]] = server.run(LEDGER)
    for campaign in found.values():
        assert len(set(campaign["placements"])) == len(campaign["placements"])
        assert Decimal(campaign["spent"]) == sum(map(Decimal, campaign["amounts"]))
        assert Decimal(campaign["today"]) == sum(map(Decimal, campaign["of_day"]))
    return found


def test_two_hundred_clicks_at_once_on_a_budget_for_fifty(server):
    """120 placements, 80 of them clicked twice: 200 requests, money for 50."""
    keys = server.run(SEED % [("fifty", {"budget": "1.00"}, "0.02", 120)])["fifty"]
    clicks = [("GET", f"{server.url}/go/{key}") for key in [*keys, *keys[:80]]]
    random.Random(1).shuffle(clicks)
    assert all_at_once(clicks) == {302: 200}
    charged = ledger(server)["fifty"]
    assert len(charged["amounts"]) == 50
    assert Decimal(charged["spent"]) == Decimal("1.00")
    assert charged["clicked"] == 120, "a click that cannot be paid for is still a click"


def test_two_hundred_clicks_at_once_on_forty_placements(server):
    """Five clicks each in the same moment, and money for 50: each is charged, and none twice."""
    keys = server.run(SEED % [("forty", {"budget": "1.00"}, "0.02", 40)])["forty"]
    clicks = [("GET", f"{server.url}/go/{key}") for key in keys * 5]
    random.Random(2).shuffle(clicks)
    assert all_at_once(clicks) == {302: 200}
    assert len(ledger(server)["forty"]["amounts"]) == 40


def test_views_clicks_and_daily_budgets_at_once(server):
    """A daily budget for 20, a campaign that pays for views for 30, and clicks on what was seen."""
    keys = server.run(
        SEED
        % [
            ("daily", {"budget": "9.00", "daily_budget": "0.60"}, "0.03", 60),
            ("views", {"budget": "0.30", "charge": "view"}, "0.01", 50),
        ]
    )
    clicks = [("GET", f"{server.url}/go/{key}") for key in keys["daily"] + keys["views"][:20]]
    views = [("POST", f"{server.url}/go/{key}/seen") for key in keys["views"] + keys["daily"] + keys["views"][:10]]
    requests = clicks + views
    random.Random(3).shuffle(requests)
    assert len(requests) == 200
    assert all_at_once(requests) == {302: 80, 204: 120}
    charged = ledger(server)
    assert len(charged["daily"]["amounts"]) == 20
    assert len(charged["views"]["amounts"]) == 30


def test_kill_9_in_the_middle_loses_nothing_and_doubles_nothing(server):
    """Every process of the server dies twice while shoppers click; in the end they all click again."""
    keys = server.run(SEED % [("killed", {"budget": "4.00"}, "0.02", 240)])["killed"]
    chance = random.Random(4)
    for round_ in range(2):
        part = keys[round_ * 120 : round_ * 120 + 120]
        answered = threading.Semaphore(0)

        def click(key: str, answered: threading.Semaphore = answered) -> bool:
            try:
                httpx.get(f"{server.url}/go/{key}", headers={"User-Agent": BROWSER}, timeout=120)
            except httpx.TransportError:
                return False
            finally:
                answered.release()
            return True

        with ThreadPoolExecutor(40) as pool:
            clicks = [pool.submit(click, key) for key in part]
            for _ in range(chance.randint(5, 60)):  # progress and not the clock times the kill
                answered.acquire()
            server.kill()
        assert not all(each.result() for each in clicks), "the kill should fall into the clicks"
        ledger(server)
        server.start()
    before = len(ledger(server)["killed"]["amounts"])
    assert 0 < before < 240
    assert all_at_once([("GET", f"{server.url}/go/{key}") for key in keys[:200]]) == {302: 200}
    assert all_at_once([("GET", f"{server.url}/go/{key}") for key in keys[40:]]) == {302: 200}
    assert len(ledger(server)["killed"]["amounts"]) == 200


def test_auction_report_and_retention_speak_to_this_database(server):
    """What tests elsewhere show on SQLite, once through on each database."""
    server.run(SEED % [("auctioned", {"budget": "1.00", "cap_per_shopper": 2}, "0.05", 0)])
    found = server.run("""
from datetime import timedelta
from django.utils import timezone
from recommend.models import Campaign, Placement, Shopper
from recommend.sponsored import ledger, report, retention
from recommend.sponsored.auction import place
from recommend.sponsored.candidates import running
Campaign.objects.exclude(name="auctioned").update(active=False)
campaign, shopper = Campaign.objects.get(name="auctioned"), Shopper.objects.create()
relevance = {campaign.products.get().pk: 0.9}
placed = [place(shopper, running(), relevance, 4, "home") for _ in range(3)]
charged = ledger.clicked(placed[0][0].placement_key)
before = report.totals([campaign.pk])[campaign.pk], list(report.by_day(campaign).values())
Campaign.objects.exclude(name="auctioned").update(active=True)
old = Placement.objects.filter(campaign=campaign)
old.update(shown_at=timezone.now() - timedelta(days=400))
retention.forget_old()
after = report.totals([campaign.pk])[campaign.pk]
result = {
    "placed": [len(each) for each in placed], "charged": charged, "shown": before[0].shown, "days": len(before[1]),
    "same": before[0] == after, "kept": old.count(), "surfaces": list(report.by_surface(campaign)),
}
""")
    assert found == {
        "placed": [1, 1, 0], "charged": True, "shown": 2, "days": 1, "same": True, "kept": 1, "surfaces": ["home"],
    }  # fmt: skip
