"""How much products are wanted, as the search asks it."""

import pytest

from catalog.tenancy import in_shop
from recommend.serving import memory
from recommend.serving.wanted import wanted


@pytest.mark.django_db
def test_what_is_wanted_most_is_remembered_for_each_shop(django_assert_num_queries):
    memory.forget()
    for queries in (2, 0):
        with django_assert_num_queries(queries):
            for shop in (1, 2):
                with in_shop(shop):
                    assert wanted("cup", [1]) == {}
