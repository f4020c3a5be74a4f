"""Three groups exist from the first migration on, with the rights that their names promise."""

import pytest
from django.contrib.auth.models import Group

pytestmark = pytest.mark.django_db


def rights(name: str) -> set[str]:
    permissions = Group.objects.get(name=name).permissions.select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


def test_viewers_only_view():
    assert rights("viewer")
    assert all(right.split(".")[1].startswith("view_") for right in rights("viewer"))


def test_each_group_may_what_the_one_before_may():
    assert rights("viewer") < rights("merchandiser") < rights("administrator")


@pytest.mark.parametrize(
    ("right", "merchandiser", "administrator"),
    [
        ("catalog.add_product", True, True),
        ("catalog.change_product", True, True),
        ("catalog.delete_product", False, True),
        ("catalog.delete_picture", True, True),
        ("catalog.delete_category", False, True),
        ("catalog.delete_promotion", True, True),
        ("catalog.change_outboxentry", True, True),
        ("catalog.delete_outboxentry", False, False),
        ("auth.add_user", False, True),
        ("catalog.add_apikey", False, True),
    ],
)
def test_who_may_what(right, merchandiser, administrator):
    assert (right in rights("merchandiser")) is merchandiser
    assert (right in rights("administrator")) is administrator
