"""BERT sentence encoders from the model hub or a folder, read the way sentence-transformers lays them out."""

import hashlib
import json
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search.encoders.base import EncoderError, Vectors
from search.encoders.batches import in_batches, normalise, portions
from search.encoders.runtime import Engine, compile_network, place

if TYPE_CHECKING:
    import torch

# What is fetched from the hub: no pickles, no code, and none of the exports for other runtimes that lie beside.
HUB_FILES = ["*.json", "*.txt", "*.model", "model*.safetensors", "*_Dense/*", "*_Pooling/*"]
HUB_SKIPPED = ["onnx/*", "openvino/*", "*.bin", "*.pt", "*.py"]
# Of a batch, in tokens with padding. Few: the CPU runtimes prepare themselves for each that they have not met.
LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
MOST_TOKENS = 2048  # of a CPU's batch of several rows: attention needs memory by the square of the length
POOLINGS = {"cls": "cls", "mean": "mean", "lasttoken": "last"}


@dataclass(frozen=True)
class SentenceConfig:
    """What turns token states into a sentence vector."""

    pooling: str = "mean"  # mean, cls, last
    dense: tuple[str, ...] = ()  # folders of projections after the pooling
    max_length: int = 256  # tokens, special ones included
    query_prefix: str = ""
    passage_prefix: str = ""


def read_config(folder: Path, name: str = "") -> SentenceConfig:
    """Read a model's configuration files; a model without them gets mean pooling and the prefixes of its kind.

    Raises EncoderError (permanent) for a part that is not known here, because leaving it out gives wrong vectors.
    """
    pooling, dense = "mean", []
    for module in _json(folder / "modules.json", []):
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        path = str(module.get("path", ""))
        if kind == "Pooling":
            pooling = _pooling(_json(folder / path / "config.json", {}))
        elif kind == "Dense":
            dense.append(path)
        elif kind not in ("Transformer", "Normalize"):
            raise EncoderError(f"{name or folder.name} has a part of an unknown kind, {kind!r}.", permanent=True)
    query, passage = _prefixes(folder, name or folder.name)
    return SentenceConfig(pooling, tuple(dense), _max_length(folder), query, passage)


def _pooling(config: dict[str, Any]) -> str:
    flags = [key.removeprefix("pooling_mode_") for key, on in config.items() if on is True]
    modes = [flag.removesuffix("_tokens").removesuffix("_token") for flag in flags]
    modes = [mode for mode in modes if mode not in ("include_prompt",)]  # no mode of its own
    if isinstance(config.get("pooling_mode"), str):  # the newer way of writing it
        modes = [config["pooling_mode"]]
    if len(modes) != 1 or modes[0] not in POOLINGS:
        raise EncoderError(f"Pooling by {' + '.join(modes) or 'nothing'} is not known here.", permanent=True)
    return POOLINGS[modes[0]]


def _max_length(folder: Path) -> int:
    config = _json(folder / "config.json", {})
    limit = int(config.get("max_position_embeddings") or 512)
    if config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        limit -= 2  # these count positions from 2
    limit = min(limit, int(_json(folder / "tokenizer_config.json", {}).get("model_max_length") or limit), 512)
    return min(limit, int(_json(folder / "sentence_bert_config.json", {}).get("max_seq_length") or limit))


def _prefixes(folder: Path, name: str) -> tuple[str, str]:
    prompts = _json(folder / "config_sentence_transformers.json", {}).get("prompts") or {}
    passage = next((prompts[key] for key in ("passage", "document") if prompts.get(key)), "")
    if prompts.get("query") or passage:
        return prompts.get("query") or "", passage
    lowered = name.lower()
    if "e5-" in lowered and "instruct" not in lowered:
        return "query: ", "passage: "  # trained with them, but its early releases do not say so in a file
    if "bge-" in lowered and "-en" in lowered:
        return "Represent this sentence for searching relevant passages: ", ""
    return "", ""


def _json(path: Path, default: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default
    except ValueError as error:
        raise EncoderError(f"{path.name} of the model cannot be read: {error}", permanent=True) from error


def find_model(model: str) -> Path:
    """The folder of a model: a local one as it is, a hub id from the hub's cache or the hub.

    Raises EncoderError; not permanent, because a hub that cannot be reached may be reached later.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if model.startswith((".", "/", "~")):
        raise EncoderError(f"There is no model folder {model}.", permanent=True)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, allow_patterns=HUB_FILES, ignore_patterns=HUB_SKIPPED))
    except Exception as error:
        raise EncoderError(
            f"The model {model} is neither a folder nor to be had from the hub: {error}", permanent=False
        ) from error


def weights_digest(files: Sequence[Path]) -> str:
    """SHA-256 over the contents of files, in the order given."""
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


@dataclass
class _Tokens:
    """The tokenizer of a model. The fast tokenizer keeps its truncation as state, so it is set once."""

    folder: Path
    max_length: int
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        from tokenizers import Tokenizer

        path = self.folder / "tokenizer.json"
        if path.exists():
            self._tokenizer = Tokenizer.from_file(str(path))
        else:
            from transformers import AutoTokenizer

            slow = AutoTokenizer.from_pretrained(self.folder, trust_remote_code=False)
            self._tokenizer = slow.backend_tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.max_length)
        config = _json(self.folder / "config.json", {})
        self.padding = int(config.get("pad_token_id") or 0)

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        with self._lock:
            return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def words(self) -> list[str]:
        """The tokens that begin a word, as written: WordPiece marks the others, SentencePiece and BPE these."""
        ids = self._tokenizer.get_vocab()
        tokens = sorted(ids, key=ids.__getitem__)
        mark = next((mark for mark in ("\u2581", "\u0120") if any(token.startswith(mark) for token in tokens)), "")
        whole = (token.removeprefix(mark) for token in tokens if token.startswith(mark))
        return [token for token in whole if token.isalpha()]


class BertEncoder:
    """Any BERT sentence encoder of the transformers library.

    ``model`` is a hub id or a folder with ``config.json``, a tokenizer and safetensors. Pickled weights and code that
    comes with a model are never loaded. ``name`` is what ``model_id`` calls it.
    What is not given is read from the model's own files (`read_config`).
    """

    def __init__(
        self,
        model: str,
        *,
        name: str = "",
        pooling: str | None = None,
        query_prefix: str | None = None,
        passage_prefix: str | None = None,
        max_length: int | None = None,
        device: str = "auto",
        runtime: str = "auto",
        batch: int = 32,
        cache: Path | None = None,
    ) -> None:
        folder = find_model(model)
        name = name or (folder.name if Path(model).expanduser().is_dir() else model)
        read = read_config(folder, name)
        self.config = SentenceConfig(
            read.pooling if pooling is None else pooling,
            read.dense,
            min(max_length or read.max_length, read.max_length),
            read.query_prefix if query_prefix is None else query_prefix,
            read.passage_prefix if passage_prefix is None else passage_prefix,
        )
        if self.config.pooling not in POOLINGS.values():
            raise EncoderError(f"Unknown pooling {self.config.pooling!r}: it is mean, cls or last.", permanent=True)
        weights = sorted(folder.glob("model*.safetensors")) + [
            folder / part / "model.safetensors" for part in self.config.dense
        ]
        missing = [path.name for path in weights if not path.exists()]
        if missing or not weights:
            raise EncoderError(f"{name} has no safetensors weights; pickled ones are not loaded.", permanent=True)
        self._folder = folder
        placement = place(device, runtime)
        self._batch, self._most_tokens = batch, MOST_TOKENS if placement.device == "cpu" else math.inf
        self._tokens = _Tokens(folder, self.config.max_length)
        digest = weights_digest([*weights, folder / "config.json"])
        recipe = json.dumps([digest, asdict(self.config)]) + _json_digest(folder / "tokenizer.json")
        self.model_id = f"bert:{name.rsplit('/', 1)[-1]}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
        network = hashlib.sha256(f"{digest} {self.config.pooling} {self.config.dense}".encode()).hexdigest()[:20]
        self.engine: Engine = compile_network(
            lambda: _sentence_network(folder, self.config),
            {"input_ids": np.ones((2, 8), np.int64), "attention_mask": np.ones((2, 8), np.int64)},
            placement=placement,
            digest=f"bert-{network}",
            cache=cache,
        )
        self.dim = int(self.engine(**self._padded([[self._tokens.padding] * 8])).shape[1])

    def encode_text(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Return ``(len(texts), dim)``. Texts longer than the model takes are cut."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        return normalise(in_batches(self.engine, self.prepared(texts, query=query), len(texts), self.dim))

    def words(self) -> list[str]:
        """Words so frequent in the languages of the model that each is a token of its own, the most frequent first."""
        return self._tokens.words()

    def prepared(self, texts: Sequence[str], *, query: bool = False) -> list[tuple[list[int], dict[str, NDArray[Any]]]]:
        """The batches that `engine` takes, each with the places of its texts."""
        prefix = self.config.query_prefix if query else self.config.passage_prefix
        return list(self._sorted_batches(self._tokens([prefix + text for text in texts])))

    def _sorted_batches(self, ids: list[list[int]]) -> Iterator[tuple[list[int], dict[str, NDArray[Any]]]]:
        """Texts of like length together, so that little is computed for padding."""
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))

        def fits(portion: slice) -> bool:
            rows = order[portion]
            return self._length(len(ids[rows[-1]])) * len(rows) <= self._most_tokens

        for portion in portions(len(order), self._batch, fits):
            places = order[portion]
            yield places, self._padded([ids[place] for place in places])

    def _length(self, longest: int) -> int:
        """Of a batch whose longest text has so many tokens."""
        return min(next((length for length in LENGTHS if length >= longest), longest), self.config.max_length)

    def _padded(self, ids: list[list[int]]) -> dict[str, NDArray[np.int64]]:
        length = self._length(max(map(len, ids)))
        tokens = np.full((len(ids), length), self._tokens.padding, dtype=np.int64)
        mask = np.zeros((len(ids), length), dtype=np.int64)
        for row, values in enumerate(ids):
            tokens[row, : len(values)] = values
            mask[row, : len(values)] = 1
        return {"input_ids": tokens, "attention_mask": mask}


def _json_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _sentence_network(folder: Path, config: SentenceConfig) -> "torch.nn.Module":
    """The transformer, its pooling and its projections as one module over (input_ids, attention_mask)."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel, logging

    logging.set_verbosity_error()  # a progress bar and notes on training, for a model that is loaded in a second
    logging.disable_progress_bar()
    model = AutoModel.from_pretrained(
        folder, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, attn_implementation="eager"
    )
    projections = []
    for path in config.dense:
        options, state = _json(folder / path / "config.json", {}), load_file(folder / path / "model.safetensors")
        linear = torch.nn.Linear(options["in_features"], options["out_features"], bias=options.get("bias", True))
        linear.load_state_dict({key.removeprefix("linear."): value for key, value in state.items()})
        name = str(options.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
        if name not in ("Tanh", "Identity", "ReLU", "GELU"):
            raise EncoderError(f"A projection with {name} is not known here.", permanent=True)
        projections += [linear, getattr(torch.nn, name)()]

    class Sentence(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = model
            self.projections = torch.nn.Sequential(*projections)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            states = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            weight = attention_mask.unsqueeze(-1).to(states.dtype)
            if config.pooling == "cls":
                pooled = states[:, 0]
            elif config.pooling == "last":
                # The last token that is not padding, as a weighted sum, so that no gather has to be exported.
                following = torch.cat([weight[:, 1:], torch.zeros_like(weight[:, :1])], dim=1)
                pooled = (states * (weight - weight * following)).sum(1)
            else:
                pooled = (states * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
            return self.projections(pooled)

    return Sentence()
