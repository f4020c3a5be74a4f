"""What was counted in the log, so that no request has to: one row a product or category, renewed by a task."""

from django.db import models

from catalog.models.rows import ShopRow


class Companions(ShopRow):
    """What goes with one product, strongest first. `rows` holds [product id, together, alone, lift, G²] for each.

    "basket": both in one basket; `together` and `alone` count baskets with both, and with this product.
    "crossing": the other comes later, or together, and is of another category; they count shoppers.
    """

    class Kind(models.TextChoices):
        BASKET = "basket", "In one basket"
        CROSSING = "crossing", "Next or together, from another category"

    product = models.ForeignKey("catalog.Product", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    rows = models.JSONField(default=list)
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "kind"], name="companions_once")]

    def __str__(self) -> str:
        return f"{self.kind} of product {self.product_id}"


class Crossing(ShopRow):
    """From which category shoppers go on to which others. `rows`: [category id, together, alone, lift, G²] for each."""

    category = models.OneToOneField("catalog.Category", on_delete=models.CASCADE, related_name="+")
    rows = models.JSONField(default=list)
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"crossings from category {self.category_id}"


class Demand(ShopRow):
    """How much one product is wanted, and how much more than usual. Counts are of shoppers, once a day each."""

    product = models.OneToOneField("catalog.Product", on_delete=models.CASCADE, related_name="+")
    popularity = models.FloatField(help_text="Recent days count more, purchases more than views")
    recent = models.PositiveIntegerField(help_text="In the last days")
    expected = models.FloatField(help_text="In as many days, by its own past")
    rise = models.FloatField(help_text="Signed root of the Poisson deviance: how surprising `recent` is")
    counted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-popularity", "shop"]), models.Index(fields=["-rise", "shop"])]

    def __str__(self) -> str:
        return f"demand for product {self.product_id}"


class Exposure(ShopRow):
    """How often one product was shown on the surface of new arrivals, and clicked there, as known in one hour."""

    product = models.ForeignKey("catalog.Product", on_delete=models.CASCADE, related_name="+", db_constraint=False)
    hour = models.DateTimeField(help_text="Its beginning")
    shown = models.PositiveIntegerField(default=0)
    clicks = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["hour", "shop"])]
        constraints = [models.UniqueConstraint(fields=["product", "hour"], name="exposure_once")]

    def __str__(self) -> str:
        return f"product {self.product_id} in the hour of {self.hour:%Y-%m-%d %H:%M}"
