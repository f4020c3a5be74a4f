"""Fixtures shared by the whole suite."""

import contextlib
import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import hypothesis
import pytest
from django.test import Client, override_settings
from pytest_django.fixtures import Settings
from qdrant_client import QdrantClient

from catalog.groups import granting
from tests import doubles
from tests.production_parts import asks_for_parts
from tests.vectord import openapi

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = Path("/usr/bin/chromium")
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30  # noqa: S108  bytes; containers often have no more than 64 MB there

# Most of the time of a small database or collection goes into waiting for the disk, which no test is about: who kills a
# process leaves the machine running. So what tests write lies in memory where there is room.
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# A property holds or not, however busy the machine is, and a change is not refused for what it has not done: so the
# examples are the same each time. `make fuzz` looks for new ones.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None)
# `make quick` tries a property on fewer examples than the whole suite does.
hypothesis.settings.register_profile("quick", deadline=None, derandomize=True, database=None, max_examples=20)
hypothesis.settings.register_profile("new examples", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The evaluation data beside the project; a test that needs it is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the evaluation data beside the project is absent")
    return folder


_departures: list[str] = []


def _hold_against_description(response: httpx.Response) -> None:
    # Kept for the end of the test: raised here, it would look to the application like a store that does not answer.
    try:
        openapi.watch(response)
    except AssertionError as error:
        _departures.append(str(error))


@pytest.fixture(scope="session", autouse=True)
def _described_exchanges() -> Iterator[None]:
    """The application's own client, with each exchange held against Qdrant's OpenAPI description."""
    hooks = {"response": [_hold_against_description]} if openapi.DESCRIPTION.exists() else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.index.client.QdrantClient", partial(QdrantClient, event_hooks=hooks))
        yield


@pytest.fixture(autouse=True)
def _only_described_exchanges(request: pytest.FixtureRequest) -> Iterator[None]:
    _departures.clear()
    yield
    if not request.node.get_closest_marker("stand_in"):
        assert not _departures, _departures[:3]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--one-case", action="store_true", help="the first case only of a test with many, as `make quick`")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.one_case:  # a collection makes millions of objects that stay, to be looked through again and again
        gc.set_threshold(50_000)


@pytest.hookimpl(trylast=True)  # when -m has chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes runs only where it is asked for."""
    asked = {"faults": bool(os.environ.get("FAULT_RECORDS")), "endurance": "endurance" in str(config.option.markexpr)}
    unasked = [mark for mark, wanted in asked.items() if not wanted]
    kept = [item for item in items if not any(map(item.get_closest_marker, unasked))]
    if config.option.one_case:
        first: dict[str, pytest.Item] = {}
        for item in kept:
            first.setdefault(item.nodeid.partition("[")[0], item)
        kept = list(first.values())
    config.hook.pytest_deselected(items=list(set(items).difference(kept)))
    items[:] = kept


@pytest.fixture(autouse=True)
def _parts_are_asked_for(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test gets at cache or broker, or starts a process, that does not look so: see tests/production_parts.py."""
    if asks_for_parts(request.node) or request.node.get_closest_marker("own_parts"):
        yield
        return

    start = subprocess.Popen.__init__

    def refuse(*_arguments: object, **_options: object) -> None:
        pytest.fail("a test of the cache, the broker or a process has a mark that says so: parts, or own_parts")

    def refuse_process(self: object, command: object, *arguments: object, **options: object) -> None:
        if sys.executable in str(command) and "vectord" not in str(command):  # which knows none of these parts
            refuse()
        start(self, command, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("get", "add", "set", "touch", "incr", "delete", "has_key"):
            patch.setattr(f"django.core.cache.backends.locmem.LocMemCache.{name}", refuse)
        patch.setattr("kombu.messaging.Producer.publish", refuse)
        patch.setattr("kombu.connection.Connection.ensure_connection", refuse)
        patch.setattr("subprocess.Popen.__init__", refuse_process)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_parts() -> Iterator[None]:
    """A hash that is hard to compute protects nobody here, and a client of one test serves no static files."""
    quick = {"PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"], "WHITENOISE_AUTOREFRESH": True}
    with override_settings(**quick):
        yield


@pytest.fixture(scope="session", autouse=True)
def _patience() -> Iterator[None]:
    """What gives up on a busy machine gives up here only where a test is about that, and sets its own time."""
    from vetrina.monitoring import probes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes, "PATIENCE", 60.0)
        with override_settings(QDRANT_SHOPPER_SECONDS=60.0, SEARCH_WAIT_SECONDS=60.0):
            yield


@pytest.fixture(scope="session", autouse=True)
def _groups_outlive_a_flush() -> Iterator[None]:
    """A test with transactions of its own ends with empty tables, and which test comes after it chance decides."""
    from django.apps import apps
    from django.contrib.auth.models import Group
    from django.db import connection
    from django.db.models.signals import post_migrate

    def restore(**_more: Any) -> None:
        if not Group.objects.exists():
            for label in ("catalog", "search", "recommend"):
                migration = importlib.import_module(f"{label}.migrations.0002_groups")
                granting(migration.GROUPS)(apps, SimpleNamespace(connection=connection))

    post_migrate.connect(restore, sender=apps.get_app_config("recommend"))
    yield
    post_migrate.disconnect(restore, sender=apps.get_app_config("recommend"))


@pytest.fixture(scope="session")
def vectord_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this run's vectord keeps its data. The first test that asks starts it; the end of the run stops it."""
    directory = tmp_path_factory.mktemp("vectord")
    yield directory
    with contextlib.suppress(OSError, ValueError):
        pid = json.loads((directory / "endpoint.json").read_text())["pid"]
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, vectord_directory: Path, tmp_path: Path) -> None:
    """No test touches the files of an installation."""
    settings.VECTORD_DIR = vectord_directory
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MODELS_DIR = tmp_path / "recommenders"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Tests give the same ids to different rows, so what a process remembers by id would be another test's."""
    for name in (
        "catalog.hosts",
        "catalog.messages",
        "recommend.serving.memory",
        "search.language.vocabulary",
        "search.query.names",
        "search.remembered",
        "vetrina.health",  # /readyz keeps for two seconds what it saw
    ):
        if module := sys.modules.get(name):
            module.forget()
    if probes := sys.modules.get("vetrina.monitoring.probes"):
        probes.vectors.forget()
        probes.broker.forget()


@pytest.fixture
def vector_store(settings: Settings) -> Iterator[QdrantClient]:
    """A real vectord, and in it an alias (and so collections) of this test's own, which are dropped at its end."""
    from search.index.client import get_client

    settings.QDRANT_URL = ""
    settings.QDRANT_ALIAS = f"test-{uuid.uuid4().hex[:12]}"
    settings.QDRANT_BEHAVIOUR_ALIAS = f"{settings.QDRANT_ALIAS}-behaviour"
    client = get_client()
    yield client
    settings.MULTI_SHOP = False  # those of all shops
    for collection in client.get_collections().collections:
        if collection.name.startswith(settings.QDRANT_ALIAS):
            client.delete_collection(collection.name)


@pytest.fixture
def quick_encoders(settings: Settings) -> None:
    """Deterministic encoders without weights (tests/doubles.py) in place of the configured ones."""
    settings.ENCODERS = doubles.ENCODERS


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium, one for the whole run; a test that needs it is skipped where it is absent."""
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM}")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # as for everything else that a page is waited for
    # Playwright's loop runs in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            headless=True,
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            ],
        )
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def sign_in(db, django_user_model) -> Callable[[str], Client]:
    """Signs in as a member of the given group, or as a superuser for "root"."""

    from django.contrib.auth.models import Group

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
