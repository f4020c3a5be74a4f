"""What was searched for and what was shown, and the queries that many typed."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.rows import ShopRow


class LoggedSearch(ShopRow):
    """One search by one visitor, as it was answered. Written through `search.log`, deleted after SEARCH_LOG_DAYS.

    Clicks, carts and purchases name the row by its id (`recommend.events.models.Event.search_id`). Without consent the
    row only counts: it holds no words, no visitor, and nothing that the words could be told from.
    """

    id = models.UUIDField(primary_key=True)
    happened_at = models.DateTimeField(default=timezone.now)
    query = models.CharField(max_length=300, blank=True, help_text="As it was typed; its first 300 characters")
    normalised = models.CharField(max_length=200, blank=True, help_text="Folded, with single spaces")
    language = models.CharField(max_length=10, blank=True)
    mode = models.CharField(max_length=10, help_text="lexical, semantic, hybrid")
    picture = models.BooleanField(default=False, help_text="A picture was the query, or part of it")
    surface = models.CharField(max_length=10, help_text="page or api")
    device = models.CharField(max_length=20, blank=True)
    page = models.PositiveSmallIntegerField(default=1)
    # A filter, an order or a further page of what was searched for before: no search of its own in any count.
    narrowed = models.BooleanField(default=False)
    total = models.PositiveIntegerField(help_text="Hits in all")
    took_ms = models.FloatField()
    told = models.JSONField(default=dict, help_text="What was corrected, relaxed, or left out, as the answer told it")
    visitor = models.UUIDField(null=True, blank=True, help_text="The shopper's anonymous key")
    # Whether the key came with the request, and was not made by it: programs that keep no cookies never return.
    returning = models.BooleanField(default=False)
    consent = models.BooleanField(default=True)
    shown = models.JSONField(default=list, help_text="Product ids from the first place of the page down")
    first = models.PositiveIntegerField(default=0, help_text="Position of the first of them among all, from 0")
    features = models.JSONField(null=True, blank=True, help_text="What the ranker saw: product id -> numbers")
    # No constraint in the database, and nothing happens to the log when an experiment goes.
    experiment = models.ForeignKey(
        "Experiment", on_delete=models.DO_NOTHING, db_constraint=False, null=True, blank=True, related_name="+"
    )
    arm = models.CharField(max_length=1, blank=True, help_text="a or b; empty where both were interleaved")
    teams = models.CharField(max_length=200, blank=True, help_text="Whose each of `shown` is: a, b, or - for both")

    class Meta:
        verbose_name_plural = "logged searches"
        indexes = [
            models.Index(fields=["-happened_at", "shop"]),
            models.Index(fields=["visitor", "shop", "-happened_at"]),
            models.Index(fields=["normalised", "shop", "-happened_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(consent=True)
                | Q(consent=False, visitor__isnull=True, query="", normalised="", features__isnull=True),
                name="logged_search_personal_only_with_consent",
            )
        ]

    def __str__(self) -> str:
        # Without its words: what a row is called gets into error messages and logs.
        return f"search at {self.happened_at:%Y-%m-%d %H:%M}"


class PopularQuery(ShopRow):
    """A query that at least SEARCH_POPULAR_VISITORS different visitors typed, counted anew by `search.log.popular`.

    What fewer typed is in no row, so that nobody's name or ailment is suggested to others.
    """

    normalised = models.CharField(max_length=200)
    query = models.CharField(max_length=300, help_text="As most visitors typed it")
    count = models.PositiveIntegerField(default=0)
    visitors = models.PositiveIntegerField(default=0)
    clicks = models.PositiveIntegerField(default=0)
    zero_share = models.FloatField(default=0.0, help_text="Share of the searches that found nothing")
    last_seen = models.DateTimeField()
    hidden = models.BooleanField(default=False, help_text="Never suggested, however many typed it")

    class Meta:
        verbose_name_plural = "popular queries"
        indexes = [
            models.Index(fields=["-visitors", "shop"]),
            # Finds beginnings in PostgreSQL, whatever the collation; an upsert cannot go by an index of this class.
            models.Index(fields=["normalised"], name="popular_query_begins", opclasses=["varchar_pattern_ops"]),
        ]
        constraints = [models.UniqueConstraint(fields=["normalised", "shop"], name="popular_query_once")]

    def __str__(self) -> str:
        return self.query
