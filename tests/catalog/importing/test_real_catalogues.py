"""The two real catalogues go in as they are, and a second time nothing changes."""

import pytest

from catalog.importing.importer import Importer
from catalog.importing.readers import open_source
from catalog.models import Picture, Product, ProductCode

pytestmark = [pytest.mark.django_db, pytest.mark.data, pytest.mark.slow]


def test_electronics(shared_data):
    source = open_source(shared_data / "electronics")
    report = Importer(source).run()
    assert (report.created, report.rejected) == (19_406, 0)
    notebook = Product.objects.get(sku="2101957")
    assert notebook.mpn == "dv7-1211ea"
    assert ProductCode.objects.filter(normalised="dv71211ea").exists()
    assert str(notebook.price) == "109.95"
    assert notebook.brand.name == "HP"
    assert notebook.attributes["product_type"] == "Notebook"
    again = Importer(source).run()
    assert (again.unchanged, again.created, again.updated, again.rejected) == (19_406, 0, 0, 0)


def test_fashion(shared_data):
    source = open_source(shared_data / "fashion")
    report = Importer(source).run()
    assert (report.created, report.rejected, report.pictures) == (3_861, 0, 3_861)
    shirt = Product.objects.get(sku="10053")
    assert shirt.category.full_name == "Apparel > Topwear > Tshirts"
    assert shirt.attributes == {"product_type": "Tshirts", "colour": "Pink", "usage": "Casual"}
    assert Product.objects.get(sku="21179").category.full_name == "Footwear > Flip Flops"
    assert Picture.objects.filter(width=224, height=224).count() > 3_000
    again = Importer(source).run()
    assert (again.unchanged, again.created, again.updated, again.rejected) == (3_861, 0, 0, 0)
