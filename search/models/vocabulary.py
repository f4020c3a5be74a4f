"""The words of the catalogue, counted."""

from django.db import models
from django.utils import timezone

from catalog.models.rows import ShopRow


class Vocabulary(ShopRow):
    """All words of the published products with their frequencies, as of one moment. Its id is its version.

    One row holds all of it: a process loads the whole anyway, a reader never meets half of a new one, and a new one
    costs the database one write instead of a hundred thousand. `search.language.collecting` makes it,
    `search.language.vocabulary` reads it.
    """

    source = models.CharField(max_length=120, help_text="State of the catalogue that was counted")
    sha256 = models.CharField(max_length=64, help_text="Of the content before compression")
    products = models.PositiveIntegerField(default=0)
    words = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0, help_text="What counting took")
    content = models.BinaryField(help_text="Compressed JSON; see search.language.vocabulary")
    built_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(default=timezone.now, help_text="When it was last counted")

    class Meta:
        verbose_name_plural = "vocabularies"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.words} words of {self.products} products"
