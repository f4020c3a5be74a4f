"""`manage.py shops`: list the shops of this installation, add one, or close and open one."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from catalog.models import Shop, ShopHost


class Command(BaseCommand):
    help = "List the shops, add one, give one another host, or close and open one."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step")
        steps.add_parser("list").add_argument("--json", action="store_true")
        add = steps.add_parser("add")
        add.add_argument("--name", required=True)
        add.add_argument("--slug", required=True, help="names it on the command line and in logs")
        add.add_argument("--host", action="append", default=[], help="a host that it answers to; may be repeated")
        add.add_argument("--json", action="store_true")
        host = steps.add_parser("host")
        host.add_argument("slug")
        host.add_argument("host", nargs="+")
        for name in ("close", "open"):
            steps.add_parser(name).add_argument("slug")

    def handle(self, *, step: str | None, **options: Any) -> None:
        if step == "add":
            self._add(**options)
        elif step == "host":
            with transaction.atomic():
                self._give(self._shop(options["slug"]), options["host"])
        elif step in ("close", "open"):
            shop = self._shop(options["slug"])
            shop.active = step == "open"
            shop.save(update_fields=["active"])
        else:
            self._list(options.get("json", False))

    def _list(self, as_json: bool) -> None:
        shops = [_told(shop) for shop in Shop.objects.order_by("pk").prefetch_related("hosts")]
        for each in [] if as_json else shops:
            state = "" if each["active"] else "  (closed)"
            self.stdout.write(f"{each['slug']:<20} {each['name']:<30} {' '.join(each['hosts']) or 'no host'}{state}")
        if as_json:
            self.stdout.write(json.dumps({"shops": shops}))

    def _add(self, *, name: str, slug: str, host: list[str], json: bool, **options: Any) -> None:
        shop = Shop(name=name, slug=slug)
        try:
            with transaction.atomic():
                shop.full_clean()
                shop.save()
                self._give(shop, host)
        except (ValidationError, IntegrityError) as error:
            raise CommandError(_sentence(error)) from None
        self._list(json)

    def _give(self, shop: Shop, hosts: list[str]) -> None:
        for name in hosts:
            row = ShopHost(shop=shop, host=name)
            try:
                row.full_clean()
            except ValidationError as error:
                raise CommandError(_sentence(error)) from None
            row.save()

    def _shop(self, slug: str) -> Shop:
        shop = Shop.objects.filter(slug=slug).first()
        if shop is None:
            raise CommandError(f"There is no shop {slug!r}: {', '.join(Shop.objects.values_list('slug', flat=True))}.")
        return shop


def _told(shop: Shop) -> dict[str, Any]:
    return {
        "id": shop.pk,
        "slug": shop.slug,
        "name": shop.name,
        "active": shop.active,
        "hosts": [each.host for each in shop.hosts.all()],
    }


def _sentence(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
