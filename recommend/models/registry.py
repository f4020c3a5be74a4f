"""The models by name. A new one is a module, a line here, and a line in the tests' list of models."""

from importlib import import_module
from pathlib import Path
from typing import Any

from recommend.models import storage
from recommend.models.base import Recommender

# Imported when asked for: those with networks bring torch along, which takes seconds and must not come before a fork.
MODELS = {
    "popularity": "recommend.models.popularity.Popularity",
    "item-knn": "recommend.models.neighbours.ItemKNN",
    "seq-knn": "recommend.models.neighbours.SeqKNN",
    "content": "recommend.models.content.Content",
    "lstm": "recommend.models.lstm.LSTM",
    "transformer": "recommend.models.transformer.Transformer",
    "blend": "recommend.models.blend.Blend",
    "crossing": "recommend.models.crossing.Crossing",
}


def model_class(name: str) -> type[Recommender]:
    """Raises KeyError for an unknown name."""
    module, _, attribute = MODELS[name].rpartition(".")
    found: type[Recommender] = getattr(import_module(module), attribute)
    return found


def build(name: str, **config: Any) -> Recommender:
    """Return an untrained model. Raises KeyError for an unknown name, TypeError for an unknown setting."""
    return model_class(name)(**config)


def load(folder: Path) -> Recommender:
    """Return the trained model of a checkpoint, whichever it is."""
    name, _, _ = storage.read(folder)
    return model_class(name).load(folder)
