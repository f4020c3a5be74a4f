"""What is wrong with a draft by itself."""

import pytest

from catalog.models import Product
from recommend.events.drafts import LONGEST, LONGEST_SKU
from recommend.events.models import Event


@pytest.mark.parametrize("name", LONGEST)
def test_as_much_of_a_text_is_taken_as_its_column_holds(name: str) -> None:
    assert LONGEST[name] == getattr(Event._meta.get_field(name), "max_length", None)


def test_a_sku_is_as_long_as_a_products() -> None:
    assert getattr(Product._meta.get_field("sku"), "max_length", None) == LONGEST_SKU
