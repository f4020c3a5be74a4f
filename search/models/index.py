"""Vectors by content, the collections that hold them, and fitted encoders."""

from django.db import models
from django.utils import timezone

from catalog.models.rows import ShopRow


class Embedding(ShopRow):
    """The vector of one text or picture by one model. Unchanged content is never encoded twice.

    It serves every product and every collection, and outlives a lost vector store.
    """

    model_id = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64, help_text="Of the text in UTF-8, or of the picture's file")
    # float16: half the room, and a cosine that differs in its fourth digit. Points hold what is stored here, so that a
    # refilled collection equals the one before.
    vector = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model_id", "sha256", "shop"], name="embedding_once")]

    def __str__(self) -> str:
        return f"{self.model_id} {self.sha256[:12]}"


class IndexCollection(ShopRow):
    """A collection in the vector store and how far it has been filled. Which one is searched, the alias alone says."""

    class State(models.TextChoices):
        FILLING = "filling", "Filling"  # takes every write, and the catalogue is being fed to it
        LIVE = "live", "Live"
        RETIRED = "retired", "Retired"  # takes no writes, and is dropped when nobody can still be asking it

    name = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State.choices, default=State.FILLING)
    shape = models.JSONField(help_text="Schema and encoders, as the collection's own metadata has them")
    fed_to = models.BigIntegerField(default=0, help_text="Products up to this id have been compared and queued for it")
    fed_at = models.DateTimeField(null=True, blank=True, help_text="When the last product was")
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "shop"], name="index_collection_name_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["filling", "live", "retired"]), name="index_collection_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class EncoderVersion(ShopRow):
    """Weights that an encoder was fitted with, and their report. Made by `finetune`; see `search.encoders.versions`.

    Collections remember the version they were filled with, so a version is kept for as long as one of them may be used.
    """

    kind = models.CharField(max_length=10, choices=[("text", "Text"), ("image", "Image")])
    backend = models.CharField(max_length=200, help_text="Dotted path of the encoder that takes the weights")
    model_id = models.CharField(max_length=120)
    weights = models.BinaryField(help_text="safetensors")
    report = models.JSONField(default=dict)
    active = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "shop"], condition=models.Q(active=True), name="encoder_version_one_active_per_kind"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=["text", "image"]), name="encoder_version_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} ({self.kind}, version {self.pk})"
