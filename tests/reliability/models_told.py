"""By which model an answer's scores were made: each is held against the cosines that either model gives.

Run inside of the shop's surroundings (`told(path)`), where the encoders and the vectors that were kept are at hand.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.models import Product
from search.documents import describe, products_for_indexing
from search.encoders.registry import encoder_for
from search.index import embeddings
from search.index.schema import Encoding, Shape
from search.models import IndexCollection

# Points hold float16 numbers, the engine calculates with float32; two models differ by far more than this.
TOLERANCE = 5e-4
Vector = NDArray[np.float64]
By = dict[str, list[Vector]]  # model -> the vectors of one product: of its text now, and of those that it had before


def told(path: str) -> dict[str, Any]:
    """`path`: JSON of observations and of the titles that products had; returns how many answers are by which model."""
    given = json.loads(Path(path).read_text(encoding="utf-8"))
    shapes = [Shape.from_metadata(row.shape) for row in IndexCollection.objects.order_by("created_at")]
    models = {shape.text.model_id: shape.text for shape in shapes}
    skus = {sku for each in given["observations"] for sku, _ in each["scores"]}
    skus |= {each["anchor"] for each in given["observations"] if each["anchor"]}
    vectors = _vectors(skus, given["titles"], models)
    queries = _queries({each["words"] for each in given["observations"] if each["words"]}, models)
    counts: Counter[str] = Counter()
    mixed, times = [], {model: [0.0, 0.0] for model in models}
    for each in given["observations"]:
        asked = vectors[each["anchor"]] if each["anchor"] else queries[each["words"]]
        by = set(models)
        for sku, score in each["scores"]:
            by &= {model for model in models if _made_by(score, asked[model], vectors[sku][model])}
        if len(by) == 1:
            model = by.pop()
            counts[model] += 1
            times[model] = [times[model][0] or each["at"], each["at"]]
        elif by:
            counts["undecided"] += 1
        else:
            counts["mixed"] += 1
            mixed.append(each)
    return {"models": list(models), "answers": dict(counts), "first_and_last": times, "mixed": mixed[:5]}


def _made_by(score: float, queries: Iterable[Vector], products: Iterable[Vector]) -> bool:
    pairs = itertools.product(queries, products)
    return any(abs(float(query @ product) - score) < TOLERANCE for query, product in pairs)


def _queries(words: Iterable[str], models: Mapping[str, Encoding]) -> dict[str, By]:
    texts = sorted(words)
    made: dict[str, By] = {text: {} for text in texts}
    for model, encoding in models.items():
        encoder = encoder_for(encoding.spec)
        for text in texts:  # one at a time, as searches are encoded: in a batch the last digits come out differently
            made[text][model] = [_unit(encoder.encode_text([text], query=True)[0])]
    return made


def _vectors(skus: Iterable[str], titles: Mapping[str, list[str]], models: Mapping[str, Encoding]) -> dict[str, By]:
    products = list(products_for_indexing(Product.objects.filter(sku__in=list(skus)).values_list("pk", flat=True)))
    keys: dict[str, set[str]] = {}
    for product in products:
        for title in {product.title, *titles.get(product.sku, [])}:
            product.title = title
            (description,) = describe([product])
            keys.setdefault(product.sku, set()).add(embeddings.text_key(description.text))
    made: dict[str, By] = {sku: {model: [] for model in models} for sku in skus}
    for model in models:
        kept = embeddings.lookup(model, {key for each in keys.values() for key in each})
        for sku, of_product in keys.items():
            made[sku][model] = [_unit(kept[key]) for key in of_product if key in kept]
    return made


def _unit(vector: Any) -> Vector:
    numbers = np.asarray(vector, np.float64)
    return numbers / np.linalg.norm(numbers)
