"""`manage.py COMMAND --shop SLUG`: the shop that a command works for, for all commands at one place.

Commands of Django's own, and those of the whole installation, work for no shop and need none.
"""

import os
from collections.abc import Sequence
from typing import Final

import django
from django.conf import settings
from django.core.management import execute_from_command_line, get_commands
from django.core.management.base import CommandError
from django.core.management.color import color_style

OPTION: Final = "--shop"
VARIABLE: Final = "VETRINA_SHOP"
OURS: Final = {"catalog", "search", "recommend", "workers", "vetrina"}
WITHOUT_SHOP: Final = {"backup", "restore", "serve", "shops"}  # of the whole installation
# These measure in a database of their own, in which there is only the first shop.
IN_OWN_DATABASE: Final = {
    "bench", "evaluate_duplicates", "evaluate_images", "evaluate_queries", "evaluate_recommender", "evaluate_search",
}  # fmt: skip


def run(arguments: Sequence[str]) -> None:
    """Run a command as Django does, for the shop that is named or the only one there is."""
    argv, slug = _taken_apart(arguments)
    command = argv[1] if len(argv) > 1 else "help"
    if "--help" in argv or "-h" in argv:
        execute_from_command_line([*argv])
        return
    try:
        shop_id = _shop_for(command, slug)
    except CommandError as error:
        raise SystemExit(color_style().ERROR(f"CommandError: {error}")) from None
    if shop_id is None:
        execute_from_command_line([*argv])
        return
    import structlog

    from catalog.tenancy import in_shop

    with in_shop(shop_id):
        if settings.MULTI_SHOP and slug:
            structlog.contextvars.bind_contextvars(shop=slug)
        execute_from_command_line([*argv])


def _taken_apart(arguments: Sequence[str]) -> tuple[list[str], str]:
    """The arguments without `--shop SLUG` or `--shop=SLUG`, and the slug, which VETRINA_SHOP may give as well."""
    argv, slug, rest = [], os.environ.get(VARIABLE, ""), iter(arguments)
    for each in rest:
        if each == OPTION:
            slug = next(rest, "")
        elif each.startswith(f"{OPTION}="):
            slug = each.removeprefix(f"{OPTION}=")
        else:
            argv.append(each)
    return argv, slug


def _shop_for(command: str, slug: str) -> int | None:
    """The shop's id; None where the command needs none. Raises CommandError with a sentence."""
    if not slug and not settings.MULTI_SHOP:
        return None
    django.setup()
    if get_commands().get(command) not in OURS or command in WITHOUT_SHOP:
        return None
    from catalog.models import Shop
    from catalog.tenancy import DEFAULT_SHOP

    if command in IN_OWN_DATABASE and not slug:
        return DEFAULT_SHOP
    ids: dict[str, int] = dict(Shop.objects.order_by("pk").values_list("slug", "pk"))
    if slug:
        if slug not in ids:
            raise CommandError(f"There is no shop {slug!r}. There are: {', '.join(ids)}.")
        if not settings.MULTI_SHOP and ids[slug] != DEFAULT_SHOP:
            raise CommandError(f"MULTI_SHOP is off, so the shop {slug!r} is not served. Turn it on first.")
        return ids[slug]
    if len(ids) > 1:
        raise CommandError(f"Several shops are served here. Say which one is meant: {OPTION} {'|'.join(ids)}")
    return next(iter(ids.values()), DEFAULT_SHOP)
