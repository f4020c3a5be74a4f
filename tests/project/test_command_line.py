"""`manage.py COMMAND --shop SLUG`."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Shop, ShopHost
from catalog.tenancy import NoShopError, current_shop_id
from vetrina import command_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def garden(settings) -> Shop:
    settings.MULTI_SHOP = True
    return Shop.objects.create(name="Garden", slug="garden")


@pytest.fixture
def ran(monkeypatch) -> list[tuple[list[str], int | None]]:
    """What was given to Django, and the shop that it was run for."""
    seen: list[tuple[list[str], int | None]] = []

    def execute(argv: list[str]) -> None:
        try:
            seen.append((argv, current_shop_id()))
        except NoShopError:
            seen.append((argv, None))

    monkeypatch.setattr(command_line, "execute_from_command_line", execute)
    return seen


@pytest.mark.parametrize("option", [["--shop", "garden"], ["--shop=garden"]])
def test_a_command_works_for_the_shop_that_is_named(garden, ran, option):
    command_line.run(["manage.py", "embed", *option, "--all"])
    assert ran == [(["manage.py", "embed", "--all"], garden.pk)]


def test_the_environment_may_name_it(garden, ran, monkeypatch):
    monkeypatch.setenv("VETRINA_SHOP", "garden")
    command_line.run(["manage.py", "embed"])
    assert ran == [(["manage.py", "embed"], garden.pk)]
    command_line.run(["manage.py", "embed", "--shop", "shop"])
    assert ran[1][1] == 1


def test_where_there_are_several_a_command_asks_which(garden, ran):
    with pytest.raises(SystemExit, match=r"--shop shop\|garden"):
        command_line.run(["manage.py", "embed"])
    with pytest.raises(SystemExit, match=r"no shop 'gardn'\. There are: shop, garden"):
        command_line.run(["manage.py", "embed", "--shop", "gardn"])
    assert not ran


@pytest.mark.parametrize("command", ["migrate", "check", "backup", "shops", "serve"])
def test_what_is_for_the_whole_installation_needs_no_shop(garden, ran, command):
    command_line.run(["manage.py", command])
    assert ran == [(["manage.py", command], None)]


def test_with_one_shop_nothing_has_to_be_said(ran, settings):
    command_line.run(["manage.py", "embed"])
    settings.MULTI_SHOP = True
    command_line.run(["manage.py", "embed"])
    assert [shop for _, shop in ran] == [1, 1]
    settings.MULTI_SHOP = False
    Shop.objects.create(name="Garden", slug="garden")
    with pytest.raises(SystemExit, match="MULTI_SHOP is off"):
        command_line.run(["manage.py", "embed", "--shop", "garden"])


def test_shops_are_added_and_listed(capsys):
    call_command("shops", "add", "--name=Garden", "--slug=garden", "--host=garden.example.com")
    assert Shop.objects.get(slug="garden").hosts.get().host == "garden.example.com"
    call_command("shops", "host", "garden", "www.garden.example.com")
    call_command("shops", "close", "garden")
    capsys.readouterr()
    call_command("shops")
    told = capsys.readouterr().out
    assert "garden.example.com www.garden.example.com  (closed)" in told
    assert "no host" in told  # of the first one
    call_command("shops", "open", "garden")
    assert Shop.objects.get(slug="garden").active


@pytest.mark.parametrize(
    ("slug", "host"),
    [("no slug", "a.example"), ("ok", "http://a.example"), ("ok", "taken.example"), ("shop", "b.example")],
)
def test_a_shop_that_cannot_be_is_refused_with_a_sentence(slug, host):
    ShopHost.objects.create(shop_id=1, host="taken.example")
    with pytest.raises(CommandError, match=r"\w"):
        call_command("shops", "add", "--name=A", f"--slug={slug}", f"--host={host}")
    assert Shop.objects.count() == 1
