"""Compares each product that changed with the few that could be the same one, and keeps the pairs that look it.

What a product costs does not grow with the catalogue: one batch of nearest-neighbour queries, a look-up of equal
hashes and codes, and at most `COMPARED` comparisons of pixels. What was compared is remembered with the product's
version, so whatever changed, and nothing else, is looked at again; a run that is cut short loses nothing.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from catalog.models import OutboxEntry, Picture, Product, ProductCode
from catalog.pictures import PictureError, open_for_encoding
from search.duplicates import titles
from search.duplicates.candidates import Candidates, candidates_of
from search.duplicates.pictures import Likeness, likeness
from search.index import embeddings
from search.models import DuplicateCheck, DuplicatePair

BATCH = 50  # products that are read at once
COMPARED = 12  # pictures of others that a product's are held against
PROMISING = 0.8  # cosine of two pictures; copies are nearer, whatever the encoder
SIDE = 160  # pixels that a picture is decoded to at least
# Both numbers have to be as high for two pictures to be one; see `evaluate_duplicates`.
COLOUR, DETAIL = 0.88, 0.85


@dataclass
class Found:
    """What a run did, in products and pairs."""

    checked: int = 0
    pairs: int = 0
    out_of_time: bool = False


@dataclass(frozen=True)
class Evidence:
    reasons: tuple[str, ...]
    score: float
    title: float
    picture: Likeness | None = None


def due() -> QuerySet[Product]:
    """Published products that are indexed as they are now, and were not compared since they changed."""
    compared = DuplicateCheck.objects.filter(product=OuterRef("pk"), version=OuterRef("version"))
    waiting = OutboxEntry.objects.filter(product_id=OuterRef("pk"))
    return Product.objects.filter(
        ~Exists(compared), ~Exists(waiting), status=Product.Status.PUBLISHED
    ).order_by("pk")  # fmt: skip


def find(*, seconds: float | None = None, progress: Callable[[Found], object] | None = None) -> Found:
    """Compare what is due, for at most `seconds`. Raises VectorStoreError; one is IndexMissing, before `embed`."""
    found, deadline = Found(), time.monotonic() + seconds if seconds is not None else None
    while products := list(due().select_related("brand").prefetch_related("pictures", "codes")[:BATCH]):
        known = {check.product_id: check for check in DuplicateCheck.objects.filter(product__in=products)}
        for product in products:
            if deadline is not None and time.monotonic() > deadline:
                found.out_of_time = True
                return found
            content = _content(product)
            check = known.get(product.pk)
            if check is None or check.content != content:
                found.pairs += _compare(product)
            DuplicateCheck.objects.update_or_create(
                product=product,
                defaults={"version": product.version, "content": content, "checked_at": timezone.now()},
            )
            found.checked += 1
        if progress:
            progress(found)
    return found


def _content(product: Product) -> str:
    told = [
        product.title,
        product.family,
        product.brand_id,
        [picture.sha256 for picture in product.pictures.all()],
        sorted(code.normalised for code in product.codes.all() if code.kind == ProductCode.Kind.EAN),
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=True).encode()).hexdigest()


def _compare(product: Product) -> int:
    """Bring the product's pairs level with what is seen now. Returns the number of new ones."""
    candidates = candidates_of(product)
    evidence = weigh(product, candidates)
    new = 0
    with transaction.atomic():
        decided = DuplicatePair.objects.exclude(state=DuplicatePair.State.OPEN)
        stale = DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN)
        for mine, other in (("first", "second"), ("second", "first")):
            stale.filter(**{mine: product}).exclude(**{f"{other}_id__in": list(evidence)}).delete()
        for id, seen in evidence.items():
            first, second = sorted((product.pk, id))
            if decided.filter(first_id=first, second_id=second).exists():
                continue
            _, created = DuplicatePair.objects.update_or_create(
                first_id=first,
                second_id=second,
                defaults={
                    "score": seen.score,
                    "reasons": list(seen.reasons),
                    "title": seen.title,
                    "colour": seen.picture.colour if seen.picture else None,
                    "detail": seen.picture.detail if seen.picture else None,
                },
            )
            new += created
    return new


def weigh(product: Product, candidates: Candidates) -> dict[int, Evidence]:
    """The candidates that look like the product, by id. A missing or damaged file says nothing about its product."""
    others = Product.objects.filter(pk__in=candidates.ids, status=Product.Status.PUBLISHED).exclude(pk=product.pk)
    if product.family:
        others = others.exclude(family=product.family)  # variants of one product look alike, and that is known
    rows = {other.pk: other for other in others.prefetch_related("pictures")}
    seen = _pictures_alike(product, list(rows.values()), candidates)
    told = {}
    for id, other in rows.items():
        title, picture = titles.similarity(product.title, other.title), seen.get(id)
        reasons = []
        if id in candidates.same_code:
            reasons.append("code")
        if picture is not None and picture.colour >= COLOUR and picture.detail >= DETAIL:
            reasons.append("picture")
        # The same words over different pictures are two things of one kind; without pictures there is nothing else.
        pictured = bool(product.pictures.all()) and bool(other.pictures.all())
        if title >= titles.SAME and product.brand_id == other.brand_id and (reasons or not pictured):
            reasons.append("title")
        if reasons:
            parts = [1.0 if "code" in reasons else 0.0, title if "title" in reasons else 0.0]
            if picture is not None and "picture" in reasons:
                parts.append(0.5 * (picture.score + title) if title < titles.SAME else picture.score)
            told[id] = Evidence(tuple(reasons), round(max(parts), 4), round(title, 4), picture)
    return told


def _pictures_alike(product: Product, others: Sequence[Product], candidates: Candidates) -> dict[int, Likeness]:
    """The best likeness of each one's pictures to the product's, the most promising pairs of pictures first."""
    mine = [picture for picture in product.pictures.all() if picture.phash not in candidates.placeholders]
    pairs: list[tuple[float, int, Picture, Picture]] = []
    shas = {picture.sha256 for other in [product, *others] for picture in other.pictures.all()}
    vectors = embeddings.lookup(candidates.model_id, shas)
    for other in others:
        for theirs in other.pictures.all():
            for own in mine:
                promise = _promise(own, theirs, vectors)
                if promise is not None:
                    pairs.append((promise, other.pk, own, theirs))
    best: dict[int, Likeness] = {}
    opened: dict[int, object] = {}
    left = COMPARED
    for promise, id, own, theirs in sorted(pairs, key=lambda pair: -pair[0]):
        if promise >= 2.0:
            best[id] = Likeness(1.0, 1.0)
            continue
        if left == 0 or (id in best and best[id].score >= 0.99):
            continue
        left -= 1
        try:
            for picture in (own, theirs):
                if picture.pk not in opened:
                    opened[picture.pk] = open_for_encoding(picture, SIDE)
            alike = likeness(opened[own.pk], opened[theirs.pk])  # type: ignore[arg-type]
        except PictureError:
            continue
        if id not in best or alike.score > best[id].score:
            best[id] = alike
    return best


def _promise(own: Picture, theirs: Picture, vectors: dict[str, embeddings.Vector]) -> float | None:
    """2 for one file, 1 and more for equal hashes, else the cosine; None where it is not worth a look."""
    if own.sha256 == theirs.sha256:
        return 2.0
    if own.phash == theirs.phash:
        return 1.5
    if own.sha256 not in vectors or theirs.sha256 not in vectors:
        return None
    a, b = (vectors[picture.sha256].astype(np.float32) for picture in (own, theirs))
    cosine = float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-6))
    return cosine if cosine >= PROMISING else None
