"""API keys of a shop's own systems: what each may do, for whom, and how long."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from rest_framework_api_key.models import AbstractAPIKey, APIKeyManager

from catalog.models.rows import ShopManager, ShopRow
from catalog.models.taxonomy import Store


class Scope(models.TextChoices):
    """What a key may be used for. Written as OAuth 2 writes scopes (RFC 6749, 3.3)."""

    CATALOG_READ = "catalog:read", "See products and promotions that are not in the shop"
    CATALOG_WRITE = "catalog:write", "Write products, variants and pictures"
    TAXONOMY_WRITE = "taxonomy:write", "Write brands, categories, collections and stores"
    PROMOTIONS_WRITE = "promotions:write", "Write promotions"
    EVENTS_WRITE = "events:write", "Send events of any shopper, without a limit"
    SHOPPERS_READ = "shoppers:read", "Ask for recommendations for any shopper"
    READ_UNLIMITED = "read:unlimited", "Read without a limit of the rate"


# Who writes what is not in the shop yet has to see it.
IMPLIED: Final = dict.fromkeys((Scope.CATALOG_WRITE, Scope.TAXONOMY_WRITE, Scope.PROMOTIONS_WRITE), Scope.CATALOG_READ)
OF_STORES: Final = frozenset({Scope.CATALOG_READ, Scope.CATALOG_WRITE, Scope.READ_UNLIMITED})
# Compared with where no key has the prefix, so that one that is made up costs what a wrong secret costs.
UNKNOWN: Final = f"sha512$${'0' * 128}"


class ApiKeyManager(ShopManager, APIKeyManager):
    def assign_key(self, obj: Any) -> str:
        """Give the row a new random key and return its text, which is kept nowhere."""
        # The library makes the row's id out of the hash; here it is a number, as ids stand in addresses and logs.
        key, obj.prefix, obj.hashed_key = self.key_generator.generate()
        return str(key)

    def find(self, text: str) -> "ApiKey | None":
        """Return the key of this text if it may be used now. One query and one hash, whatever is wrong with it."""
        key: Any = self.select_related("store").filter(prefix=text.partition(".")[0]).first()
        matches = self.key_generator.verify(text, UNKNOWN if key is None else key.hashed_key)
        return key if key is not None and matches and key.is_usable else None


class ApiKey(ShopRow, AbstractAPIKey):
    """A key of 32 random letters and digits (190 bits) behind a prefix of 8 that finds its row; kept as a SHA-512.

    It opens the shop that it was made in, and no other.

    A slow hash with salt protects what people choose. Of random texts of this length there are too many to try, so a
    quick one is as good, and costs no request anything.
    """

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]
    scope = models.CharField("scopes", max_length=200, help_text="What it may be used for, with spaces between")
    # A key that outlived its store would be one of the whole shop.
    store = models.ForeignKey(
        Store,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Empty: the whole shop. Otherwise it writes the products of this store alone.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The key that this one takes the place of.
    rotated_from = models.OneToOneField(
        "self", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="successor"
    )

    objects = ApiKeyManager()  # type: ignore[misc]

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ["-created", "-id"]  # type: ignore[assignment]

    @property
    def scopes(self) -> frozenset[Scope]:
        """What it may do, with what that implies."""
        given = {Scope(each) for each in self.scope.split() if each in Scope.values}
        return frozenset(given | {IMPLIED[each] for each in given if each in IMPLIED})

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes and (self.store_id is None or scope in OF_STORES)

    @property
    def is_usable(self) -> bool:
        return not self.revoked and not self.has_expired

    @property
    def state(self) -> str:
        """One word for people: revoked, expired, expiring, unused or active."""
        now = timezone.now()
        if self.revoked:
            return "revoked"
        if self.has_expired:
            return "expired"
        if self.expiry_date and self.expiry_date < now + timedelta(days=settings.API_KEY_EXPIRING_DAYS):
            return "expiring"
        idle = timedelta(days=settings.API_KEY_UNUSED_DAYS)
        return "unused" if (self.last_used_at or self.created) < now - idle else "active"

    def clean(self) -> None:
        super().clean()
        if unknown := set(self.scope.split()) - set(Scope.values):
            raise ValidationError({"scope": f"There is no scope {sorted(unknown)[0]!r}."})
        if self.store_id and (beyond := set(self.scope.split()) - OF_STORES):
            raise ValidationError({"scope": f"The key of one store cannot have {', '.join(sorted(beyond))}."})


def written(scopes: Iterable[str]) -> str:
    """Return scopes as they are kept: in one order, with spaces between."""
    wanted = set(scopes)
    return " ".join(each for each in Scope.values if each in wanted)
