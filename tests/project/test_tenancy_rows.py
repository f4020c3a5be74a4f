"""No query of one shop meets a row of another, model by model: read, changed, deleted or pointed to."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.forms import modelform_factory

from catalog import services
from catalog.models import ApiKey, AuditEntry, Category, Product, Shop, ShopHost, Tag, Variant
from catalog.models.borders import MESSAGE
from catalog.models.rows import CrossShopError, ShopScoped
from catalog.tenancy import DEFAULT_SHOP, NoShopError, in_shop
from recommend.events.models import Event, Shopper
from search.models import LoggedSearch, Revision
from search.models.revision import bump
from tests.project.any_rows import AT, make

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
APPS = ("catalog", "search", "recommend")
MODELS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
OF_THE_INSTALLATION = {
    "catalog.Shop": "it is the shop",
    "catalog.ShopHost": "asked before there is a shop, and names its own",
    "search.ProcessSeen": "a process works for every shop",
}
# Unique in the installation, though of a shop.
DRAWN_AT_RANDOM = {
    ("recommend.Placement", "key"): "a random UUID of ours",
    ("search.LoggedSearch", "id"): "a random UUID of ours",
    ("catalog.ApiKey", "prefix"): "eight random letters of ours",
}
APPEND_ONLY = {AuditEntry}  # whose rows say no to every change, whoever asks
ROWS = [model for model in MODELS if issubclass(model, ShopScoped)]
LINKS = [
    field.remote_field.through
    for model in MODELS
    for field in model._meta.local_many_to_many
    if field.remote_field.through._meta.auto_created and issubclass(field.related_model, ShopScoped)
]
each_model = pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)


@pytest.fixture
def other() -> int:
    """The id of a second shop."""
    return Shop.objects.create(name="Other", slug="other").pk


def refused():
    return pytest.raises(IntegrityError, match=MESSAGE)


def test_every_model_belongs_to_a_shop_or_is_excepted_with_a_reason():
    without = {model._meta.label for model in MODELS if not issubclass(model, ShopScoped)}
    assert without == set(OF_THE_INSTALLATION)
    for model in ROWS:
        assert {field.name for field in model._meta.concrete_fields} >= {"shop"}, model


def test_every_manager_but_one_asks_for_one_shop():
    for model in ROWS:
        managers = {manager.name: manager for manager in model._meta.managers}
        assert model._default_manager.name == "objects", model
        assert set(managers) == {"objects", "every_shop"}, model
        column = f'"{model._meta.db_table}"."shop_id" = '
        assert column in str(model.objects.all().query), model
        assert column not in str(model.every_shop.all().query), model
        if hasattr(model, "history"):
            assert f'"{model.history.model._meta.db_table}"."shop_id" = ' in str(model.history.all().query), model


def test_what_is_unique_is_so_within_a_shop():
    for model in ROWS:

        def local(names, model=model) -> bool:
            fields = [model._meta.get_field(name) for name in names]
            return any(
                isinstance(each, models.ForeignKey)
                and (each.name == "shop" or issubclass(each.related_model, ShopScoped))
                for each in fields
            )

        for field in model._meta.concrete_fields:
            if field.unique and not isinstance(field, models.AutoField):
                assert local([field.name]) or (model._meta.label, field.name) in DRAWN_AT_RANDOM, field
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint):
                assert local(constraint.fields), constraint
        assert not model._meta.unique_together, model


def test_no_index_begins_with_the_shop():
    """SQLite without statistics takes an index that begins so for the best one of every query."""
    for model in ROWS:
        unique = [each for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
        assert not any(each.fields[:1] in (["shop"], ("shop",)) for each in [*model._meta.indexes, *unique]), model
        assert not model._meta.get_field("shop").db_index, model


def drawn(model) -> dict[str, Any]:
    return {
        name: uuid.uuid4() if model is not ApiKey else "b"
        for label, name in DRAWN_AT_RANDOM
        if label == model._meta.label
    }


@each_model
def test_rows_of_another_shop_are_neither_seen_nor_changed_nor_deleted(model, other):
    mine = make(model)
    with in_shop(other):
        theirs = make(model, **drawn(model))  # the same names, slugs and keys
    assert model.every_shop.filter(pk__in=[mine.pk, theirs.pk]).count() == 2

    assert mine.pk in set(model.objects.values_list("pk", flat=True))
    assert theirs.pk not in set(model.objects.values_list("pk", flat=True))
    there = model.objects.filter(pk=theirs.pk)
    assert (there.exists(), there.first(), model.objects.in_bulk([theirs.pk])) == (False, None, {})
    with pytest.raises(model.DoesNotExist):
        model.objects.get(pk=theirs.pk)
    with pytest.raises(model.DoesNotExist):
        theirs.refresh_from_db()

    if model in APPEND_ONLY:
        return

    column = next(each.attname for each in model._meta.concrete_fields if not each.primary_key)
    assert there.update(**{column: F(column)} if column != "shop_id" else {}) == 0
    assert there.delete()[0] == 0
    for write in (theirs.save, theirs.delete, lambda: model.objects.bulk_create([theirs])):
        with pytest.raises(CrossShopError):
            write()
    with pytest.raises(CrossShopError):
        model.objects.update(shop=other)
    if not hasattr(model, "history_object"):
        with refused(), transaction.atomic():
            model.every_shop.filter(pk=mine.pk).update(shop=other)

    model.objects.all().delete()
    assert not model.objects.exists()
    assert model.every_shop.get().pk == theirs.pk


@each_model
def test_no_foreign_key_leads_out_of_the_shop(model, other):
    keys = [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and issubclass(field.related_model, ShopScoped)
        and not hasattr(model, "history_object")
    ]
    if not keys:
        return
    mine = make(model)
    with in_shop(other):
        theirs = make(model, **drawn(model))
        own = {key.name: getattr(theirs, key.name) or theirs for key in keys}
    for key in keys:
        target = own[key.name]
        with refused(), transaction.atomic():
            model.every_shop.filter(pk=mine.pk).update(**{key.name: target})
        values = {each.attname: getattr(mine, each.attname) for each in model._meta.concrete_fields}
        values |= {model._meta.pk.attname: None, key.attname: target.pk, **drawn(model)}
        with refused(), transaction.atomic():
            model.objects.bulk_create([model(**values)], ignore_conflicts=True)
        setattr(mine, key.name, target)
        with pytest.raises(CrossShopError):
            mine.save()
        mine = model.objects.get(pk=mine.pk)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.__name__)
def test_no_link_leads_from_one_shop_to_another(link, other):
    first, second = (field for field in link._meta.concrete_fields if isinstance(field, models.ForeignKey))
    mine = make(first.related_model)
    with in_shop(other):
        theirs = make(second.related_model)
    with refused(), transaction.atomic():
        link.objects.bulk_create([link(**{first.attname: mine.pk, second.attname: theirs.pk})], ignore_conflicts=True)
    field = next(each for each in first.related_model._meta.many_to_many if each.remote_field.through is link)
    with refused(), transaction.atomic():
        getattr(mine, field.name).add(theirs.pk)
    assert not link.objects.exists()


def test_without_a_shop_there_are_no_rows(settings):
    settings.MULTI_SHOP = True
    for model in ROWS:
        rows, key = model.objects.all(), model._meta.pk.attname
        for ask in (
            lambda rows=rows: list(rows),
            rows.count,
            rows.exists,
            *(() if model in APPEND_ONLY else (rows.delete, lambda rows=rows, key=key: rows.update(**{key: F(key)}))),
            model,  # a new row is some shop's
        ):
            with pytest.raises(NoShopError):
                ask()


EVERYWHERE = Product.objects.all()  # as a form or a filter has it, made at import


def test_a_queryset_made_at_import_asks_for_the_shop_when_it_is_read(other):
    make(Product)
    with in_shop(other):
        make(Product)
        make(Variant, sku="only-here")
        assert EVERYWHERE.all().filter(variants__sku="only-here").count() == 1
    assert EVERYWHERE.all().count() == 1
    assert EVERYWHERE.all().filter(variants__sku="only-here").count() == 0


def test_a_taken_value_is_told_at_its_field_and_is_free_in_another_shop(other):
    make(Product, sku="A-1", slug="a-1")
    form = modelform_factory(Product, fields=["sku", "title", "slug", "status", "currency", "stock"])
    given = {"sku": "A-1", "title": "A", "slug": "a-1", "status": "draft", "currency": "EUR", "stock": 1}
    assert form(given).errors == {
        "sku": ["Product with this SKU already exists."],
        "slug": ["Product with this Slug already exists."],
    }
    with in_shop(other):
        assert form(given).is_valid()
    make(Tag, name="New", slug="new")
    with pytest.raises(ValidationError, match="Tag with this Name already exists"):
        Tag(name="New", slug="newer").full_clean()


def test_each_shop_has_a_tree_of_its_own(other):
    food, garden = services.add_category("Food"), services.add_category("Garden")
    services.add_category("Fruit", food)
    with in_shop(other):
        theirs = services.add_category("Food")
        services.add_category("Bread", theirs)
        before = list(Category.objects.values_list("path", "full_name", "numchild"))
    services.move_category(garden, food, "left")
    services.move_category(food, garden)
    assert [row.full_name for row in Category.objects.all()] == ["Garden", "Garden > Food", "Garden > Food > Fruit"]
    with in_shop(other):
        assert list(Category.objects.values_list("path", "full_name", "numchild")) == before
    services.delete_categories(Category.objects.all())
    assert not Category.objects.exists()
    assert Category.every_shop.count() == 2


def test_a_revision_is_one_shops(other):
    bump("rules")
    with in_shop(other):
        bump("rules")
    assert Revision.objects.count() == 1
    assert Revision.every_shop.count() == 2


def test_history_is_one_shops(other):
    product = Product(sku="A-1", title="Apple")
    services.save_product(product)
    with in_shop(other):
        assert Product.history.count() == 0
        assert product.history.count() == 0
    assert (Product.history.count(), product.history.count()) == (1, 1)


def test_an_account_that_goes_takes_its_shoppers_of_every_shop_along(other):
    user = User.objects.create_user("ann")
    for shop in (DEFAULT_SHOP, other):
        with in_shop(shop):
            shopper = Shopper.objects.create(user=user)
            LoggedSearch.objects.create(
                id=uuid.uuid4(), mode="hybrid", surface="page", total=1, took_ms=1, visitor=shopper.key
            )
    user.delete()
    assert Shopper.every_shop.count() == 0
    assert not LoggedSearch.every_shop.exclude(visitor=None).exists()


def test_a_host_is_one_shops_and_a_name_as_requests_have_it(other):
    ShopHost.objects.create(shop_id=other, host="garden.example.com")
    with pytest.raises(ValidationError, match="already exists"):
        ShopHost(shop_id=DEFAULT_SHOP, host="garden.example.com").full_clean()
    for host in ("Garden.example.com", "garden.example.com:443", "https://garden.example.com", "", "a b", "-a.com"):
        with pytest.raises(ValidationError):
            ShopHost(shop_id=other, host=host).full_clean()
    for host in ("localhost", "127.0.0.1", "::1", "xn--grten-ira.example"):
        ShopHost(shop_id=other, host=host).full_clean()


class TestWrittenOutQueries:
    """SQL that goes past the managers names the shop itself."""

    PLACES = {
        "recommend/events/log.py": "takes locks",
        "catalog/checks.py": "looks at the columns of a table",
        "catalog/models/borders.py": "makes the triggers",
        "catalog/models/shop.py": "sets a sequence",
        "recommend/events/history.py": "events of a shopper",
        "recommend/events/partitions.py": "moves whole months of every shop",
        "recommend/events/shoppers.py": "a shopper by key",
        "recommend/serving/shelf.py": "products for sale",
        "recommend/serving/memory.py": "the state of a shopper's history",
        "recommend/serving/profile.py": "names of products",
        "recommend/analytics/queries.py": "searches one after the other",
    }

    def test_they_are_known(self):
        found = {
            path.relative_to(ROOT).as_posix()
            for app in APPS
            for path in (ROOT / app).rglob("*.py")
            if re.search(r"\.cursor\(\)|\.raw\(|RawSQL|\.extra\(", path.read_text(encoding="utf-8"))
        }
        assert found == set(self.PLACES)

    def test_a_key_is_a_shopper_of_one_shop(self, other):
        from recommend.events.shoppers import _of_key

        mine = Shopper.objects.create()
        with in_shop(other):
            assert _of_key(mine.key) is None
            theirs = Shopper.objects.create(key=mine.key)
            assert _of_key(mine.key) == theirs
        assert _of_key(mine.key) == mine

    def test_a_history_is_read_in_its_shop_alone(self, other):
        from recommend.events.history import past_of_devices
        from recommend.serving.memory import _state

        shopper, product = Shopper.objects.create(), make(Product)
        Event.objects.create(event_id=uuid.uuid4(), kind="view", shopper=shopper, product=product, happened_at=AT)
        assert [each.product_id for each in past_of_devices([shopper.pk], True).seen] == [product.pk]
        assert _state(shopper.pk)
        with in_shop(other):
            assert past_of_devices([shopper.pk], True).seen == []
            assert _state(shopper.pk) == ()

    def test_products_are_offered_and_named_in_their_shop_alone(self, other):
        from recommend.serving.profile import _read_names
        from recommend.serving.shelf import Wish, for_sale
        from recommend.surfaces.base import Ask

        product = make(Product, status="published", stock=1)
        wish = Wish.of(Ask(None))
        assert set(for_sale(wish, {product.pk})) == set(_read_names([product.pk])) == {product.pk}
        with in_shop(other):
            assert for_sale(wish, {product.pk}) == _read_names([product.pk]) == {}

    def test_searches_one_after_the_other_are_counted_in_their_shop_alone(self, other):
        from datetime import timedelta

        from recommend.analytics.period import Period
        from recommend.analytics.queries import reformulations

        visitor = uuid.uuid4()
        for minute, words in enumerate(("sofa", "couch")):
            LoggedSearch.objects.create(
                id=uuid.uuid4(), mode="hybrid", surface="page", total=1, took_ms=1, visitor=visitor, query=words,
                normalised=words, happened_at=AT + timedelta(minutes=minute),
            )  # fmt: skip
        period = Period(AT - timedelta(days=1), AT + timedelta(days=1))
        assert [each.query for each in reformulations(period)] == ["sofa"]
        with in_shop(other):
            assert reformulations(period) == []
