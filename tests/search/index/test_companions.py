"""What follows the index is told of each batch, and an entry stays until it has followed."""

import json
import sys
from types import ModuleType

import pytest
from django.core.management import call_command
from django.utils import timezone

from catalog import services
from catalog.models import OutboxEntry
from search.index.companions import Standing
from search.index.drain import drain

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoders", "vector_store")]


class Companion(ModuleType):
    """Writes down what it is told, and fails while it is told to."""

    def __init__(self) -> None:
        super().__init__("a_companion")
        self.told: list[tuple[list[str], set[int]]] = []
        self.failing = False
        self.missing = 0

    def follow(self, upserted, deleted) -> None:
        if self.failing:
            raise ConnectionError("not now")
        self.told.append((sorted(document.payload["sku"] for document in upserted), set(deleted)))

    def compare(self) -> Standing:
        return Standing("beside", 1, 1 - self.missing, missing=self.missing, stale=0, orphaned=0)

    def repair(self) -> None:
        self.missing = 0


@pytest.fixture
def companion(settings, monkeypatch) -> Companion:
    made = Companion()
    monkeypatch.setitem(sys.modules, "a_companion", made)
    settings.INDEX_COMPANIONS = ["a_companion"]
    return made


@pytest.mark.slow
def test_it_is_told_what_was_written_and_what_was_deleted(publish, companion):
    _, goes = publish(2)
    drain()
    assert companion.told == [(["sku-0", "sku-1"], set())]
    services.archive([goes.pk])
    drain()
    assert companion.told[1:] == [([], {goes.pk})]


@pytest.mark.slow
def test_while_it_fails_entries_stay_without_losing_attempts_and_the_index_is_level(publish, companion):
    publish(3)
    companion.failing = True
    report = drain()
    assert (report.put_off, report.failed) == (3, 0)
    assert "a_companion could not follow: ConnectionError: not now" in report.reason
    assert set(OutboxEntry.objects.values_list("attempts", "parked_at", "claimed_by")) == {(0, None, "")}
    companion.failing = False
    OutboxEntry.objects.update(available_at=timezone.now())
    assert drain().done == 3
    assert companion.told[0][0] == ["sku-0", "sku-1", "sku-2"]
    assert not OutboxEntry.objects.exists()


def test_an_unknown_companion_is_a_reason_and_no_crash(publish, settings):
    publish(1)
    settings.INDEX_COMPANIONS = ["no.such.module"]
    assert "no.such.module could not follow" in drain().reason
    assert OutboxEntry.objects.count() == 1


@pytest.mark.slow
def test_check_index_tells_of_it_and_mends_it(publish, companion, capsys):
    publish(1)
    drain()
    companion.missing = 1
    with pytest.raises(SystemExit):
        call_command("check_index", json=True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["missing"] == 0
    assert told["companions"] == [
        {"name": "beside", "products": 1, "indexed": 0, "missing": 1, "stale": 0, "orphaned": 0}
    ]
    call_command("check_index", repair=True)
    assert companion.missing == 0
