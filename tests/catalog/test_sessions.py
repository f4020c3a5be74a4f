"""A session that cannot be saved is an outage, and one that was deleted is not."""

import sqlite3

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection

from catalog.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    store = SessionStore()
    store["chosen"] = 1
    store.save()
    return store


def test_a_database_that_takes_no_write_is_told_as_it_is(store):
    def refuse(execute, sql, *rest):
        if sql.startswith("UPDATE"):
            raise OperationalError("as Django says it") from sqlite3.OperationalError("as SQLite says it")
        return execute(sql, *rest)

    store["chosen"] = 2
    with connection.execute_wrapper(refuse), pytest.raises(OperationalError):
        store.save()


def test_a_session_that_was_deleted_is_told_as_that(store):
    Session.objects.all().delete()
    store["chosen"] = 2
    with pytest.raises(UpdateError):
        store.save()
