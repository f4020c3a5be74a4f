"""Work that goes through many rows while another process writes: SQLite refuses a write beside an open read then."""

import pytest

from tests.nursery import start
from tests.workers.installation import installation

pytestmark = [pytest.mark.slow, pytest.mark.parts]
PICTURES, PRODUCTS = 250, 2500  # more than are read from SQLite at once
SCRIPT = f"""
import threading
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from catalog.models import OutboxEntry, Picture, Product
from search.management.commands import embed
from workers import tasks

def write_elsewhere():
    def write():  # a thread has a connection of its own
        assert Product.objects.filter(sku="S-0").update(stock=F("stock") + 1) == 1
        connection.close()
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()

def beside_writes(work):
    def after_another_wrote(*arguments):
        write_elsewhere()
        return work(*arguments)
    return after_another_wrote

Product.objects.bulk_create(
    Product(sku=f"S-{{n}}", slug=f"s-{{n}}", title=f"Chair {{n}}", status="published") for n in range({PRODUCTS})
)
Picture.objects.bulk_create(
    Picture(product=each, file="pictures/gone.png", width=9, height=9) for each in Product.objects.all()[:{PICTURES}]
)
tasks.make_thumbnails_of = beside_writes(tasks.make_thumbnails_of)
tasks.make_thumbnails.run()
assert not Picture.objects.filter(thumbnail_error="").exists()

embed.ADDED_AT_ONCE = 500
OutboxEntry.add = beside_writes(OutboxEntry.add)
embed.filling.ensure_current = embed.collecting.refresh = embed.learning.refresh = lambda **_: None
embed._wait = lambda bar, own_work: 0
call_command("embed", "--all")
assert OutboxEntry.objects.values("product_id").distinct().count() == {PRODUCTS}
"""


def test_thumbnails_and_embedding_anew_go_on_beside_writes(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    with installation(tmp_path) as shop:
        done = start(str(tmp_path / "script.py"), **shop.environment)
    assert not done.returncode, done.stderr[-3000:]
