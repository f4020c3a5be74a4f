"""What the catalogue itself says about words: which phrases name a brand, category or property, and how reliably."""

from django.db import models

from catalog.models.rows import ShopRow


class Phrase(ShopRow):
    """One meaning of a phrase: the values of one facet that it names. Learned anew from the catalogue as a whole.

    `key` holds the stems of the phrase's words in `language`, parted by spaces. A phrase that means nothing that can be
    filtered on, and must be taken as it stands ("sans fil"), has no facet.
    """

    language = models.CharField(max_length=16)
    key = models.CharField(max_length=200)
    facet = models.CharField(max_length=200, blank=True, help_text="brand, category, store, tag, or attributes.NAME")
    values = models.JSONField(default=list, help_text="What the facet's filter takes, the most frequent first")
    label = models.CharField(max_length=200, blank=True)
    products = models.PositiveIntegerField(default=0, help_text="That have one of the values")
    # Of the products whose title holds the phrase, the share that have one of its meanings as well: near 1 where the
    # phrase has no other use, low where it is a word like others. 1 where no title holds it.
    trust = models.FloatField(default=1.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["language", "key", "facet", "shop"], name="search_phrase_meaning_once"),
        ]
        indexes = [models.Index(fields=["key", "shop"], name="search_phrase_key")]

    def __str__(self) -> str:
        return f"{self.key} ({self.language}): {self.facet or 'as it stands'}"


class FacetCoverage(ShopRow):
    """The share of a category's products, with its subtree, that have a facet at all; category "" is the catalogue."""

    category = models.CharField(max_length=160, blank=True, help_text="Slug")
    facet = models.CharField(max_length=200)
    share = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["category", "facet", "shop"], name="search_facet_coverage_once")]

    def __str__(self) -> str:
        return f"{self.facet} in {self.category or 'everything'}: {self.share:.2f}"
