"""The shops of an installation: their names, the hosts that they answer to, and the people who work in them."""

from typing import Any

from django.conf import settings
from django.core.management.color import no_style
from django.core.validators import RegexValidator
from django.db import connections, models, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.tenancy import DEFAULT_SHOP

# A name (RFC 1123) in lower case or an address, as a request names it, without port and brackets.
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"\A({_LABEL}(\.{_LABEL})*|[0-9a-f:]{{2,39}})\Z"


class Shop(models.Model):
    """One shop. Every row, point, file and cache entry belongs to exactly one; see docs/shops.md.

    A shop is not deleted while it has rows: it is switched off, and then answers to nobody.
    """

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True, help_text="Names it on the command line and in folders.")
    active = models.BooleanField(default=True, help_text="Off: its hosts answer that there is no such shop.")
    staff = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="shops",
        help_text="Who may enter its administration; what they may do there, their groups say.",
    )  # fmt: skip
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class ShopHost(models.Model):
    """A host name that a shop answers to. A row each, so that the database lets no two shops have the same one."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="hosts")
    host = models.CharField(
        max_length=253, unique=True, help_text="Without a port: garden.example.com",
        validators=[RegexValidator(_HOST, "A host is a name such as garden.example.com, in small letters, no port.")],
    )  # fmt: skip

    class Meta:
        ordering = ["host"]
        constraints = [models.CheckConstraint(condition=~Q(host=""), name="shop_host_not_empty")]

    def __str__(self) -> str:
        return self.host


def make_default_shop(*, using: str, **_: Any) -> None:
    """Make the shop that an installation begins with. After each migration and each flush: rows point to it."""
    connection = connections[using]
    if Shop._meta.db_table not in connection.introspection.table_names():
        return
    shops = Shop.objects.using(using)
    if shops.filter(pk=DEFAULT_SHOP).exists():
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        shops.create(pk=DEFAULT_SHOP, name=settings.SHOP_NAME, slug="shop")
        # PostgreSQL's sequence knows nothing of a number that was chosen.
        for statement in connection.ops.sequence_reset_sql(no_style(), [Shop]):
            cursor.execute(statement)
