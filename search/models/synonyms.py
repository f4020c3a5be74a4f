"""Words that mean the same to shoppers, kept by merchandisers, and pairs that the logs suggest."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models.rows import ShopHistory, ShopRow
from search.models.revision import bumps

SYNONYMS = "synonyms"  # the revision's name


class Synonym(ShopRow):
    """Phrases of which each finds what the others find, or (one-way) phrases that find what others find as well.

    Phrases stand in one field, parted by commas, as `search.language.synonyms.phrases` reads and writes them. One entry
    leads to its own phrases and no further: "a" to "b" and "b" to "c" do not make "a" find "c", so no entries can run
    in a circle.
    """

    class Kind(models.TextChoices):
        TWO_WAY = "two_way", "Two-way: each finds the others"
        ONE_WAY = "one_way", "One-way: the first also find the second"

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.TWO_WAY)
    words = models.CharField(
        max_length=1000, help_text="Words or phrases, parted by commas: sofa, couch, settee. Two-way: all of them."
    )
    also = models.CharField(
        "also find", max_length=1000, blank=True, help_text="One-way only: what the words above find as well."
    )
    language = models.CharField(max_length=10, blank=True, help_text="A code such as en or de; empty: every language.")
    enabled = models.BooleanField(default=True)
    starts_at = models.DateTimeField("from", null=True, blank=True, help_text="Empty: at once.")
    ends_at = models.DateTimeField("until", null=True, blank=True, help_text="Empty: for good.")
    note = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    history = ShopHistory(excluded_fields=["author", "created_at"])

    class Meta:
        ordering = ["words", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["two_way", "one_way"]), name="synonym_kind_known"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="synonym_ends_after_start",
            ),
            models.CheckConstraint(
                condition=(Q(kind="two_way", also="") | (Q(kind="one_way") & ~Q(also=""))) & ~Q(words=""),
                name="synonym_complete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.words} → {self.also}" if self.also else self.words


class SynonymSuggestion(ShopRow):
    """Two phrases that shoppers seem to mean the same by, with the evidence; somebody accepts or dismisses it."""

    class Source(models.TextChoices):
        REFORMULATED = "reformulated", "Searched one after the other"
        CLICKS = "clicks", "Led to the same products"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DISMISSED = "dismissed", "Dismissed"

    first = models.CharField(max_length=100)
    second = models.CharField(max_length=100)
    source = models.CharField(max_length=12, choices=Source.choices)
    support = models.PositiveIntegerField(help_text="Different shoppers, or different products clicked by both")
    lift = models.FloatField(help_text="How many times as often as by chance")
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    synonym = models.ForeignKey(
        Synonym, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="suggestions"
    )
    found_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-support", "-lift", "id"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second", "source", "shop"], name="synonym_suggestion_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="synonym_suggestion_in_order"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "accepted", "dismissed"]), name="synonym_suggestion_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} = {self.second}"

    @property
    def evidence(self) -> str:
        """In words, for the list and for the synonym that is made of it."""
        what = "shoppers" if self.source == self.Source.REFORMULATED else "products"
        return f"{self.support} {what}, {self.lift:.1f} times as often as by chance"


bumps(SYNONYMS, Synonym)
