"""The first hits once more by a cross-encoder, which reads the query and a product's text together.

Nogueira and Cho, "Passage re-ranking with BERT", 2019. It is far slower than anything else in a search, so it is off
until CROSS_ENCODER names a model, and sees only the first hits.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings

from catalog.models import Product
from search.documents import embedded_text
from search.query.fusion import Scored, guarded

CROSS_ENCODER = "cross_encoder"  # the part's name in an explanation
LONGEST = 256  # word pieces of query and text together
BATCH = 16
KEPT = 50_000  # scores held in memory
Scores = list[float]


def configured() -> bool:
    return bool(settings.CROSS_ENCODER) and settings.CROSS_ENCODER_DEPTH > 1


def reranked(ranked: list[Scored], q: str) -> list[Scored]:
    """The first CROSS_ENCODER_DEPTH hits in the model's order; exact codes stay in front. One query.

    Raises OSError and ValueError where the model cannot be loaded.
    """
    start = next((place for place, each in enumerate(ranked) if "exact" not in each.parts), len(ranked))
    movable = ranked[start : start + settings.CROSS_ENCODER_DEPTH]
    if len(movable) < 2 or not q.strip():
        return ranked
    ids = [each.id for each in movable]
    rows = Product.objects.filter(pk__in=ids).select_related("brand", "category")
    texts = {product.pk: embedded_text(product) for product in rows}
    scores = dict(zip(ids, scored(q, [texts.get(id, "") for id in ids]), strict=True))
    was = {each.id: place for place, each in enumerate(movable)}
    ordered = guarded(sorted(movable, key=lambda each: (-scores[each.id], was[each.id])))
    for place, each in enumerate(ordered):
        each.parts[CROSS_ENCODER] = {"score": round(scores[each.id], 4), "moved": was[each.id] - place}
    return [*ranked[:start], *ordered, *ranked[start + len(movable) :]]


_lock = threading.Lock()
_known: OrderedDict[tuple[str, str, str], float] = OrderedDict()


def scored(q: str, texts: Sequence[str]) -> Scores:
    """How well each text answers the query, higher is better. What was scored before is remembered."""
    keys = [(settings.CROSS_ENCODER, q, hashlib.sha256(text.encode()).hexdigest()) for text in texts]
    with _lock:
        found = {key: _known[key] for key in keys if key in _known}
    missing = [place for place, key in enumerate(keys) if key not in found]
    if missing:
        computed = _model(settings.CROSS_ENCODER)(q, [texts[place] for place in missing])
        found |= {keys[place]: score for place, score in zip(missing, computed, strict=True)}
    with _lock:
        for key in keys:
            _known[key] = found[key]
            _known.move_to_end(key)
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return [found[key] for key in keys]


class _Model:
    def __init__(self, name: str) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._torch: Any = torch
        # A model from elsewhere brings numbers, and neither pickles nor code.
        self._tokenizer: Any = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        loaded = AutoModelForSequenceClassification.from_pretrained(name, use_safetensors=True, trust_remote_code=False)
        self._model: Any = loaded.eval()
        self._device = "cuda" if settings.ENCODER_DEVICE != "cpu" and torch.cuda.is_available() else "cpu"
        self._model.to(self._device)

    def __call__(self, q: str, texts: Sequence[str]) -> Scores:
        """One logit is the score; of several classes the last one is "relevant", and its log-odds are."""
        scores: Scores = []
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            read = self._tokenizer(
                [q] * len(batch), batch, truncation=True, max_length=LONGEST, padding=True, return_tensors="pt"
            )
            with self._torch.inference_mode():
                logits = self._model(**read.to(self._device)).logits.float()
            if logits.shape[1] > 1:
                chances = logits.softmax(dim=1)[:, -1].clamp(1e-6, 1 - 1e-6)
                logits = (chances / (1 - chances)).log()[:, None]
            scores += logits[:, 0].cpu().tolist()
        return scores


@lru_cache(maxsize=2)
def _model(name: str) -> _Model:
    """Loaded on the first search that needs it, once in a process."""
    return _Model(name)
