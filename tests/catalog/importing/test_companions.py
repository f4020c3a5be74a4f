import json
from datetime import UTC, datetime

import pytest

from catalog import services
from catalog.importing.companions import import_companions
from catalog.models import Brand, Collection, Product, Promotion

pytestmark = pytest.mark.django_db


@pytest.fixture
def products() -> list[Product]:
    brand = Brand.objects.create(name="Norrland", slug="norrland")
    rows = [Product(sku=sku, title=f"Thing {sku}", brand=brand, status="published") for sku in ("A1", "A2", "A3")]
    for row in rows:
        services.save_product(row)
    return rows


def write(directory, name, *rows):
    (directory / name).write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))


PROMOTION = {
    "name": "Spring",
    "kind": "percent",
    "value": "20",
    "starts_at": "2026-03-01T00:00:00Z",
    "ends_at": "2026-04-01T00:00:00Z",
    "products": ["A1"],
    "brands": ["Norrland"],
}


def test_a_promotion_gets_its_scope_and_a_slug(tmp_path, products):
    write(tmp_path, "promotions.jsonl", PROMOTION)
    report = import_companions(tmp_path)
    promotion = Promotion.objects.get()
    assert (report.promotions, report.rejected) == (1, [])
    assert promotion.slug == "spring"
    assert promotion.starts_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert [product.sku for product in promotion.products.all()] == ["A1"]
    assert [brand.name for brand in promotion.brands.all()] == ["Norrland"]


def test_loading_again_replaces_and_adds_nothing(tmp_path, products):
    write(tmp_path, "promotions.jsonl", PROMOTION)
    write(tmp_path, "collections.jsonl", {"title": "Picnic", "skus": ["A3", "A1"]})
    import_companions(tmp_path)
    write(tmp_path, "collections.jsonl", {"title": "Picnic", "skus": ["A2", "A3"]})
    import_companions(tmp_path)
    assert Promotion.objects.count() == Collection.objects.count() == 1
    assert [item.product.sku for item in Collection.objects.get().items.all()] == ["A2", "A3"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**PROMOTION, "value": "101"}, "percent"),
        ({**PROMOTION, "value": "-1"}, "greater than or equal to 0"),
        ({**PROMOTION, "value": "NaN"}, "decimal"),
        ({**PROMOTION, "kind": "gift"}, "not a valid choice"),
        ({**PROMOTION, "ends_at": "2026-02-01T00:00:00Z"}, "ends_after_start"),
        ({**PROMOTION, "starts_at": "tomorrow"}, "starts_at"),
        ({**PROMOTION, "products": ["nope"]}, "Unknown products: nope"),
        ({**PROMOTION, "products": "A1"}, "list of texts"),
        ({**PROMOTION, "name": ""}, "name is missing"),
        ("[1]", "one JSON object"),
        ("{", "Expecting"),
    ],
)
def test_a_bad_line_is_reported_and_the_rest_goes_in(tmp_path, products, row, reason):
    write(tmp_path, "promotions.jsonl", row, {**PROMOTION, "name": "Good"})
    report = import_companions(tmp_path)
    assert [promotion.name for promotion in Promotion.objects.all()] == ["Good"]
    [(file, line, said)] = report.rejected
    assert (file, line) == ("promotions.jsonl", 1)
    assert reason in said


def test_brands_get_their_description_and_keep_their_address(tmp_path, products):
    write(tmp_path, "brands.jsonl", {"name": "Norrland", "description": "From the north."})
    write(tmp_path, "stores.jsonl", {"name": "Market Hall", "description": "Fresh."})
    report = import_companions(tmp_path)
    assert (report.brands, report.stores, report.rejected) == (1, 1, [])
    assert Brand.objects.get().description == "From the north."
    assert Brand.objects.get().slug == "norrland"
