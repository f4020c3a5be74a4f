"""What the LSTM and the transformer share: the network around them, what they learn from, and how they are asked."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from recommend.models import storage
from recommend.models.base import Ids, Interactions, Items, Progress, Scores, no_progress
from recommend.models.batches import PADDING, batches, count_batches, padded
from recommend.models.checkpoint import Checkpoint
from recommend.models.fitting import Loop
from recommend.models.loss import SampledSoftmax
from recommend.models.spectral import spectral_embeddings
from recommend.models.tower import ItemTower

MASKED = 0.25  # of a history's events are hidden in pretraining
AT_ONCE = 256  # histories that are encoded in one go


class Network(nn.Module):
    """Item tower and encoder.

    A score is the inner product of a shopper's vector and an item's; both have a fixed length, `scale` and 1, else the
    length of an item's would say how often it is taken, and the rare ones would never be shown.
    """

    def __init__(
        self, items: Items, encoder: nn.Module, dim: int, id_dropout: float, dropout: float, scale: float
    ) -> None:
        super().__init__()
        self.scale = scale
        self.tower = ItemTower(items, dim, id_dropout)
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Parameter(torch.zeros(dim))  # stands for an event that is to be guessed

    def forward(self, inputs: Tensor, hide: Tensor | None = None) -> Tensor:
        """(b, l) item rows, padded at the end -> (b, l, dim): whoever has taken the items up to each position.

        With `hide`, a mask of the same shape, those events are hidden and each position sees both its sides.
        """
        real = inputs != PADDING
        unique, where = torch.unique(inputs[real], return_inverse=True)
        embedded = torch.zeros(*inputs.shape, len(self.hidden), device=inputs.device)
        embedded[real] = self.tower(unique)[where]
        if hide is None:
            return self._of_length(self.encoder(self.dropout(embedded)))
        embedded = torch.where(hide[:, :, None], self.hidden, embedded)
        return self._of_length(self.encoder(self.dropout(embedded), ~real))

    def item_vectors(self, rows: Tensor) -> Tensor:
        """(n,) item rows -> (n, dim)."""
        return F.normalize(self.tower(rows), dim=-1)

    def _of_length(self, users: Tensor) -> Tensor:
        return self.scale * F.normalize(users, dim=-1)


class SequenceRecommender(ABC):
    """A network that is trained to foresee each next item of every history."""

    name: str
    network: Network
    items: Items

    # Every setting there is; a network of its own changes some and adds its own.
    defaults: ClassVar[dict[str, Any]] = {
        "dim": 64,
        "layers": 1,
        "longest": 50,  # events of a history that are looked at
        "dropout": 0.2,
        "id_dropout": 0.0,  # see ItemTower
        "scale": 12.0,  # see Network
        "spectral": False,  # begin with `spectral_embeddings`
        "epochs": 20,
        "patience": 3,  # epochs without a better held-out figure
        "continued_epochs": 3,  # where training goes on from a model
        "continued_rate": 0.25,  # of `rate`
        "batch": 128,  # histories
        "rate": 4e-3,
        "decay": 1e-2,
        "negatives": 512,  # see SampledSoftmax
        "negative_power": 0.5,
    }

    def __init__(self, **config: Any) -> None:
        """Raises TypeError for a setting that there is not."""
        if unknown := sorted(set(config) - set(self.defaults)):
            raise TypeError(f"{type(self).__name__} has no setting {unknown[0]!r}")
        self.config = {**self.defaults, **config}
        self.dim: int = self.config["dim"]
        self._vectors: Scores | None = None  # of all items, for as long as the weights stay
        self._last: tuple[bytes, Scores] | None = None  # the last history asked for, and its vector

    @abstractmethod
    def _encoder(self) -> nn.Module:
        """Return the module from (b, l, dim) events to (b, l, dim) shoppers; a position sees none that is later.

        With `pretrain_epochs` it takes a second argument, the (b, l) mask of padding, and then sees both sides.
        """

    def fit(
        self,
        data: Interactions,
        *,
        seed: int = 0,
        progress: Progress = no_progress,
        checkpoint: Checkpoint | None = None,
        held_out: Callable[[], float] | None = None,
        start: "SequenceRecommender | None" = None,
        recent: Interactions | None = None,
    ) -> None:
        """Learn from histories; see `recommend.models.checkpoint` for what the other arguments are.

        First, unless it continues from `start`, it guesses hidden events from both sides (as BERT4Rec, Sun et al., CIKM
        2019), then next events. Uses the first GPU if there is one.
        """
        torch.set_num_threads(1)  # the batches are small: more threads wait for each other, and change the last digits
        torch.manual_seed(seed)
        self._build(data.items)
        if start is not None:
            self._continue(start)
        elif self.config["spectral"]:
            self.network.tower.id.weight.data = torch.from_numpy(spectral_embeddings(data, self.dim, seed))
        self.network.to(device())
        loss = SampledSoftmax(data, self.config["negatives"], self.config["negative_power"], device())
        learned = data if recent is None else recent
        steps = count_batches(learned.histories, size=self.config["batch"])

        def loop(stage: str, epochs: int) -> Loop:
            config = self.config
            return Loop(
                self.network,
                stage=stage,
                epochs=epochs,
                steps=steps,
                rate=config["rate"] * (1.0 if start is None else config["continued_rate"]),
                decay=config["decay"],
                seed=seed,
                patience=config["patience"],
                checkpoint=checkpoint,
                held_out=held_out if stage == self.name else None,
                progress=progress,
                changed=self._forget,
            )

        pretrain = self.config.get("pretrain_epochs", 0)
        if start is None and pretrain and not _is_past(checkpoint, self.name):
            loop(f"{self.name}, hidden events", pretrain).run(lambda random: self._hidden_losses(learned, loss, random))
        epochs = self.config["epochs"] if start is None else self.config["continued_epochs"]
        loop(self.name, epochs).run(lambda random: self._next_losses(learned, loss, random))
        self.network.to("cpu")
        self._forget()

    def _next_losses(
        self, data: Interactions, loss: SampledSoftmax, random: np.random.Generator
    ) -> Iterator[tuple[Tensor, int]]:
        for history in self._batches(data, random):
            inputs, targets = history[:, :-1], history[:, 1:]
            real = targets != PADDING
            yield self._against(loss, self.network(inputs)[real], targets[real]), int(real.sum())

    def _hidden_losses(
        self, data: Interactions, loss: SampledSoftmax, random: np.random.Generator
    ) -> Iterator[tuple[Tensor, int]]:
        for history in self._batches(data, random):
            real = history != PADDING
            hide = (torch.rand(history.shape, device=history.device) < MASKED) & real
            if hide.any():
                yield self._against(loss, self.network(history, hide)[hide], history[hide]), int(hide.sum())

    def _against(self, loss: SampledSoftmax, users: Tensor, wanted: Tensor) -> Tensor:
        """The loss of (n, dim) users and the (n,) items they took. The tower is asked once for each item."""
        drawn = loss.draw()
        unique, where = torch.unique(torch.cat([wanted, drawn]), return_inverse=True)
        vectors = self.network.item_vectors(unique)[where]
        return loss(users, wanted, vectors[: len(wanted)], drawn, vectors[len(wanted) :])

    def _batches(self, data: Interactions, random: np.random.Generator) -> Iterator[Tensor]:
        for batch in batches(
            data.histories, longest=self.config["longest"] + 1, size=self.config["batch"], random=random
        ):
            yield torch.from_numpy(batch).to(device())

    def _build(self, items: Items) -> None:
        self.items = items
        config = self.config
        self.network = Network(
            items, self._encoder(), self.dim, config["id_dropout"], config["dropout"], config["scale"]
        )
        self.network.eval()
        self._forget()

    def _continue(self, start: "SequenceRecommender") -> None:
        """Take over the weights of a model whose items are the first ones of this one's."""
        state, old = self.network.state_dict(), start.network.state_dict()
        for name, tensor in old.items():
            if state[name].shape == tensor.shape:
                state[name] = tensor.clone()
            else:  # new items or attributes have been added behind
                state[name][: len(tensor)] = tensor
                state[name][len(tensor) :] = 0  # known by their content until they are taken
        self.network.load_state_dict(state)

    def _forget(self) -> None:
        self._vectors = self._last = None

    @torch.inference_mode()
    def user_vectors(self, histories: Sequence[Ids]) -> Scores:
        """Return (histories, dim); zeros for empty ones."""
        where = next(self.network.parameters()).device
        vectors = np.zeros((len(histories), self.dim), np.float32)
        rows = [row for row in range(len(histories)) if len(histories[row])]
        rows.sort(key=lambda row: len(histories[row]))
        for start in range(0, len(rows), AT_ONCE):
            group = rows[start : start + AT_ONCE]
            inputs = padded([histories[row][-self.config["longest"] :] for row in group])
            last = torch.from_numpy((inputs != PADDING).sum(1) - 1)
            users = self.network(torch.from_numpy(inputs).to(where))
            vectors[group] = users[torch.arange(len(group)), last].numpy(force=True)
        return vectors

    def user_vector(self, history: Ids) -> Scores:
        """Return (dim,). A request asks twice: for candidates, and to score them."""
        key, last = history.tobytes(), self._last
        if last is None or last[0] != key:
            last = self._last = key, self.user_vectors([history])[0]
        return last[1]

    @torch.inference_mode()
    def item_vectors(self) -> Scores:
        if self._vectors is None:
            self.network.eval()
            rows = torch.arange(len(self.items), device=next(self.network.parameters()).device)
            self._vectors = self.network.item_vectors(rows).numpy(force=True)
        return self._vectors

    @torch.inference_mode()
    def content_vectors(self, items: Items) -> Scores:
        return F.normalize(self.network.tower.described(items), dim=-1).numpy(force=True)

    def score(self, histories: Sequence[Ids]) -> Scores:
        return self.user_vectors(histories) @ self.item_vectors().T

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        return self.item_vectors()[candidates] @ self.user_vector(history)

    def save(self, folder: Path) -> None:
        weights = {f"network.{name}": each.numpy(force=True) for name, each in self.network.state_dict().items()}
        storage.write(folder, self.name, self.config, {**weights, **storage.item_arrays(self.items)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        _, config, arrays = storage.read(folder)
        model = cls(**config)
        model._build(storage.items_from(arrays))
        prefix = "network."
        model.network.load_state_dict(
            {name.removeprefix(prefix): torch.from_numpy(array) for name, array in arrays.items() if prefix in name}
        )
        return model


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _is_past(checkpoint: Checkpoint | None, stage: str) -> bool:
    """Whether a training that is taken up again has done all before this stage."""
    found = checkpoint.load() if checkpoint is not None else None
    return found is not None and found[1].get("stage") == stage
