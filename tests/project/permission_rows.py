"""One row of everything that has a page, so that a request of the permission matrix meets something to be refused."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from catalog import services
from catalog.models import ApiKey, AuditEntry, Brand, Collection, Product, Promotion, Scope, Shop, Store, Tag
from catalog.models.keys import OF_STORES, written
from catalog.pictures import add_picture
from catalog.tenancy import current_shop_id
from recommend.events.models import Event, Shopper
from recommend.sponsored.models import Campaign, Charge, Placement
from recommend.training.models import ModelVersion, TrainingRun
from search.models.comparisons import ComparisonRun, SearchConfiguration
from search.models.duplicates import DuplicatePair
from search.models.experiments import Experiment
from search.models.judgments import JudgedQuery, JudgmentSet
from search.models.log import LoggedSearch, PopularQuery
from search.models.ranking import RankingVersion
from search.models.rules import Rule
from search.models.synonyms import Synonym, SynonymSuggestion
from tests.shops import picture


@dataclass
class Installation:
    """Rows by model label, and a client for each role."""

    rows: dict[str, Model] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    def add(self, row: Model) -> Any:
        if row._state.adding:
            row.save()
        self.rows[row._meta.label_lower] = row
        return row


def build(people: str = "", host: str = "testserver") -> Installation:
    """Fill the database. Every foreign key of a row leads to another of these rows.

    `people` stands before the names of accounts and groups, which all shops have in common; `host` is whom clients ask.
    """
    made = Installation()
    add, now = made.add, timezone.now()
    add(Shop.objects.get(pk=current_shop_id()))
    brand, store = add(Brand(name="Acme", slug="acme")), add(Store(name="Corner", slug="corner"))
    category, _ = add(services.add_category("Food")), add(Tag(name="Gift", slug="gift"))
    other = Product(sku="A-2", title="Another", category=category, brand=brand, store=store, status="published")
    services.save_product(other)
    product = Product(sku="A-1", title="Thing", category=category, brand=brand, store=store, status="published")
    add(services.save_product(product))
    add(add_picture(product, picture("red")))
    add(Promotion(name="Week", slug="week", kind="percent", value=5, starts_at=now - timedelta(days=1)))
    add(Collection(title="Picnic", slug="picnic"))
    add(
        DuplicatePair(
            first=min(other, product, key=lambda p: p.pk),
            second=max(other, product, key=lambda p: p.pk),
            score=0.9,
            title=0.9,
        )
    )
    add(RankingVersion(kind="fusion", source="test", weights={"weights": {"lexical": 2}}))
    configuration = add(SearchConfiguration(name="more-words"))
    judged = add(JudgmentSet(name="popular"))
    add(JudgedQuery(set=judged, text="thing"))
    add(
        ComparisonRun(
            set=judged,
            a={"name": "a", "mode": "hybrid", "overrides": {}},
            b={"name": "b", "mode": "hybrid", "overrides": {}},
        )
    )
    add(Rule(name="Pin", queries="thing"))
    add(Synonym(words="sofa, couch"))
    add(SynonymSuggestion(first="cup", second="mug", source="sessions", support=5, lift=9))
    made.rows["running"] = Experiment.objects.create(name="On", configuration_b=configuration, state="running")
    add(Experiment(name="Words", configuration_b=configuration))
    add(LoggedSearch(id=uuid.uuid4(), query="thing", mode="hybrid", surface="page", total=1, took_ms=1))
    add(PopularQuery(normalised="thing", query="thing", count=9, visitors=9, last_seen=now))
    campaign = Campaign.objects.create(name="Shown", store=store, bid=1, budget=100)
    add(Campaign(name="Never shown", store=store, bid=1, budget=100))
    shopper = add(Shopper())
    placement = add(
        Placement(key=uuid.uuid4(), campaign=campaign, product=product, shopper=shopper, surface="for-you", price=1)
    )
    add(Charge(placement=placement, campaign=campaign, amount=1))
    add(Event(event_id=uuid.uuid4(), kind="view", shopper=shopper, product=product, happened_at=now))
    version = add(ModelVersion(name="popularity", path="1"))
    add(TrainingRun(version=version))
    add(User.objects.create_user(f"{people}somebody", is_staff=True))
    add(Group.objects.create(name=f"{people}testers"))
    _people(made, people, host)
    return made


def _people(made: Installation, people: str, host: str) -> None:
    for role in ("anonymous", "shopper", "nobody", "viewer", "merchandiser", "administrator", "superuser"):
        made.clients[role] = client = Client(raise_request_exception=False, SERVER_NAME=host)
        if role == "anonymous":
            continue
        user = User.objects.create_user(people + role, is_staff=role != "shopper", is_superuser=role == "superuser")
        if role in ("viewer", "merchandiser", "administrator"):
            user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
    past = timezone.now() - timedelta(days=1)
    other = Store.objects.create(name="Elsewhere", slug="elsewhere")
    roles: dict[str, dict[str, Any]] = {
        **{scope.value: {"scope": scope.value} for scope in Scope},
        "store's key": {"scope": written(OF_STORES), "store": other},
        "revoked": {"revoked": True},
        "expired": {"expiry_date": past},
    }
    for role, more in roles.items():
        row, key = ApiKey.objects.create_key(**{"name": role, "scope": written(Scope), **more})
        made.clients[role] = Client(
            raise_request_exception=False, headers={"Authorization": f"Api-Key {key}"}, SERVER_NAME=host
        )
    made.add(row)
    made.add(AuditEntry(actor="superuser", action="change", model="catalog.product"))
    made.clients["forged"] = Client(
        raise_request_exception=False, headers={"Authorization": f"Api-Key {row.prefix}.{'x' * 32}"}
    )
