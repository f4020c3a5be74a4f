"""The live model in a process: lazily, once, and never an old one for longer than a second."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from recommend.models import registry
from recommend.training import live as loading
from recommend.training import versions
from recommend.training.models import ModelVersion

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("model")]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def version(indexed, visit, train) -> ModelVersion:
    visit(40)
    return train().version


def test_nothing_is_live_before_the_first_publish(db):
    assert loading.live() is None


def test_a_model_is_read_once_and_the_database_asked_once_a_second(version, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(loading, "CACHED_SECONDS", 3600.0)
    first = loading.live()
    assert first.items.keys[first.rows[int(first.items.keys[5])]] == first.items.keys[5]
    loads = []
    original = registry.load
    monkeypatch.setattr(registry, "load", lambda folder: loads.append(folder) or original(folder))
    with django_assert_num_queries(0):
        assert loading.live() is first
    monkeypatch.setattr(loading, "CACHED_SECONDS", 0.0)
    with django_assert_num_queries(1):
        assert loading.live() is first
    assert loads == []


def test_a_publish_elsewhere_is_seen_without_being_told(version, train, monkeypatch):
    first = loading.live()
    monkeypatch.setattr(loading, "forget", lambda: None)  # as in another process
    second = train(seed=5).version
    if not second.live:
        versions.publish(second)
    monkeypatch.setattr(loading, "CACHED_SECONDS", 0.0)
    assert loading.live().version == second.pk != first.version


def test_others_go_on_with_the_old_model_while_a_new_one_is_read(version, train, monkeypatch):
    first = loading.live()
    second = train(seed=5).version
    if not second.live:
        versions.publish(second)
    loading._cached.here = loading._Cached(-9.0, loading._key(version.path), first)
    reading, go_on, found = threading.Event(), threading.Event(), []
    row = {"pk": second.pk, "path": second.path}

    class Rows:
        """The database's answer: a thread of its own would not see this test's transaction."""

        def filter(self, **_):
            return self

        def values_list(self, *_):
            return self

        def first(self):
            return row["pk"], row["path"]

    monkeypatch.setattr(loading.ModelVersion, "objects", Rows())
    original = loading.load

    def slow(*given):
        reading.set()
        assert go_on.wait(60)
        return original(*given)

    monkeypatch.setattr(loading, "load", slow)
    reader = threading.Thread(target=lambda: found.append(loading.live().version))
    reader.start()
    assert reading.wait(60)
    assert loading.live() is first
    go_on.set()
    reader.join(60)
    assert found == [second.pk]
    assert loading.live().version == second.pk


def test_files_that_are_gone_are_an_error_and_not_another_model(version):
    loading.forget()
    (versions.folder_of(version) / "model" / "config.json").unlink()
    with pytest.raises(OSError, match="config"):
        loading.live()


def test_a_forked_child_reads_its_own(version):
    loading.live()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, str(loading._cached.here.live).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"None"
    os.close(reader), os.close(writer)
    assert loading._cached.here.live is not None


def test_setting_up_the_project_imports_no_torch():
    code = "import django; django.setup(); import sys, workers.tasks; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}", "DJANGO_SETTINGS_MODULE": "vetrina.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]
