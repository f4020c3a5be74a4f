"""People who work in the admin."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client


@pytest.fixture
def sign_in(db, django_user_model) -> Callable[[str], Client]:
    """Signs in as a member of the given group, or as a superuser for "root"."""

    def make(group: str) -> Client:
        client = Client()
        if group == "root":
            user = django_user_model.objects.create_superuser("root")
        else:
            user = django_user_model.objects.create_user(group, is_staff=True)
            if group != "nobody":
                user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
        return client

    return make


@pytest.fixture
def merchandiser(sign_in) -> Client:
    return sign_in("merchandiser")
