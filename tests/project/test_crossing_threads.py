"""Requests to two shops by turns, in several threads of one process."""

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from tests import tenants
from tests.doubles import ENCODERS


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_threads_of_both_shops_at_once(vector_store, settings, monkeypatch):
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
    for name, value in (tenants.SEVERAL | {"ENCODERS": ENCODERS}).items():
        setattr(settings, name, value)
    for name in ("viewer", "merchandiser", "administrator"):  # gone where a test with real transactions came before
        Group.objects.get_or_create(name=name)
    sides = tenants.two_shops()
    wrong: list[str] = []

    def shop(number: int) -> None:
        client = Client(raise_request_exception=False)
        try:
            for turn in range(12):
                side, other = sides[(number + turn) % 2], sides[(number + turn + 1) % 2]
                for address in ("/api/v1/search?q=thing", "/p/thing", "/api/v1/products/A-1", "/api/v1/suggest?q=thi"):
                    answer = client.get(address, SERVER_NAME=side.host)
                    body = answer.content.decode().lower()
                    if other.secret in body or answer.status_code != 200 or side.secret not in body:
                        wrong.append(f"{address} at {side.host}: {answer.status_code}")
        finally:
            connection.close()

    threads = [threading.Thread(target=shop, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:5]
