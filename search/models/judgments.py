"""What people say of hits: sets of queries, and how well each product answers them."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.rows import ShopRow

GRADES = ((3, "Perfect"), (2, "Good"), (1, "Marginal"), (0, "Irrelevant"))
BEST = 3


class JudgmentSet(ShopRow):
    """Queries that are judged together, such as the hundred most popular ones. Its name is used on the command line."""

    name = models.SlugField(max_length=60, db_index=False, help_text="Letters, digits, - and _: popular-2025")
    note = models.TextField(blank=True, help_text="What the queries are, and how they are to be judged")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name", "shop"], name="judgment_set_name_once")]

    def __str__(self) -> str:
        return self.name


class JudgedQuery(ShopRow):
    """One query of a set."""

    set = models.ForeignKey(JudgmentSet, on_delete=models.CASCADE, related_name="queries")
    text = models.CharField(max_length=300)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name_plural = "judged queries"
        constraints = [models.UniqueConstraint(fields=["set", "text"], name="judged_query_once_in_a_set")]

    def __str__(self) -> str:
        return self.text


class Judgment(ShopRow):
    """What one judge says of one product for one query. Judges are kept apart; who reads them combines them.

    The product goes by its sku and the judge by name, because judgments outlive both: a product that comes back has
    them still, and a file from elsewhere may name products that are not here.
    """

    query = models.ForeignKey(JudgedQuery, on_delete=models.CASCADE, related_name="judgments")
    sku = models.CharField("SKU", max_length=64)
    judge = models.CharField(max_length=150)
    grade = models.PositiveSmallIntegerField(choices=GRADES, validators=[MaxValueValidator(BEST)])
    judged_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["query", "sku", "judge"], name="judgment_once_by_a_judge"),
            models.CheckConstraint(condition=Q(grade__gte=0, grade__lte=BEST), name="judgment_grade_known"),
        ]

    def __str__(self) -> str:
        return f"{self.query}: {self.sku} is {self.grade}, says {self.judge}"
