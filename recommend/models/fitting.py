"""The training loop: one pass after the other, stopping when held-out data says so, going on after a kill."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recommend.models.base import Progress
from recommend.models.checkpoint import Checkpoint

# From a generator to the losses of one epoch's batches, each with the number of events it is the mean of.
Losses = Callable[[np.random.Generator], Iterator[tuple[Tensor, int]]]
LONGEST_GRADIENT = 5.0


class Loop:
    """Epochs of AdamW with one warm-up and one slow end (Smith and Topin, "Super-convergence", 2018).

    The weights of the best epoch are kept. With a checkpoint, a training that was killed ends as it would have.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        stage: str,
        epochs: int,
        steps: int,
        rate: float,
        decay: float,
        seed: int,
        patience: int,
        checkpoint: Checkpoint | None = None,
        held_out: Callable[[], float] | None = None,
        progress: Progress,
        changed: Callable[[], None],
    ) -> None:
        self.network, self.stage, self.epochs, self.patience = network, stage, epochs, patience
        self.checkpoint, self.held_out, self.progress, self.changed = checkpoint, held_out, progress, changed
        self.random = np.random.default_rng(seed)
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, fused=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, rate, total_steps=max(epochs * steps, 1) + 1, pct_start=0.1
        )
        self.epoch = 0
        self.figures: list[float] = []
        self.best: dict[str, Tensor] | None = None

    def run(self, losses: Losses) -> None:
        self._resume()
        while self.epoch < self.epochs and not self._risen_for_long():
            self.network.train()
            total = events = 0.0
            for loss, count in losses(self.random):
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_GRADIENT)
                self.optimiser.step()
                self.schedule.step()
                total, events = total + float(loss.detach()) * count, events + count
            self.network.eval()
            self.changed()
            self.epoch += 1
            figures: dict[str, Any] = {"loss": round(total / max(events, 1), 4)}
            if self.held_out is not None:
                figure = self.held_out()
                figures["held out"] = round(figure, 5)
                if figure >= max(self.figures, default=-1.0):
                    self.best = {name: each.detach().clone() for name, each in self.network.state_dict().items()}
                self.figures.append(figure)
            if self.checkpoint is not None:
                self._save(self.checkpoint)
            self.progress(self.stage, self.epoch, self.epochs, figures)
        if self.best is not None:
            self.network.load_state_dict(self.best)
        self.network.eval()
        self.changed()

    def _risen_for_long(self) -> bool:
        """Whether the last `patience` epochs brought nothing."""
        return len(self.figures) > self.patience and int(np.argmax(self.figures)) < len(self.figures) - self.patience

    def _save(self, checkpoint: Checkpoint) -> None:
        state = {f"network.{name}": each.numpy(force=True) for name, each in self.network.state_dict().items()}
        if self.best is not None:
            state |= {f"best.{name}": each.numpy(force=True) for name, each in self.best.items()}
        for index, moments in self.optimiser.state_dict()["state"].items():
            state |= {f"optimiser.{index}.{name}": each.numpy(force=True) for name, each in moments.items()}
        state["torch"] = torch.get_rng_state().numpy()
        if torch.cuda.is_available():
            state["cuda"] = torch.cuda.get_rng_state().numpy()
        checkpoint.save(
            state,
            {
                "stage": self.stage,
                "epoch": self.epoch,
                "figures": self.figures,
                "random": self.random.bit_generator.state,
                "step": self.schedule.last_epoch,
            },
        )

    def _resume(self) -> None:
        found = self.checkpoint.load() if self.checkpoint is not None else None
        if found is None or found[1].get("stage") != self.stage:
            return
        arrays, meta = found
        tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
        self.network.load_state_dict(_below("network.", tensors))
        self.best = _below("best.", tensors) or None
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _below("optimiser.", tensors).items():
            index, _, moment = name.partition(".")
            moments.setdefault(int(index), {})[moment] = tensor
        state = self.optimiser.state_dict()
        self.optimiser.load_state_dict({**state, "state": moments})
        torch.set_rng_state(tensors["torch"])
        if "cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["cuda"])
        self.random.bit_generator.state = meta["random"]
        self.epoch, self.figures = meta["epoch"], meta["figures"]
        # The schedule sets rates from its step alone.
        self.schedule.last_epoch = meta["step"] - 1
        self.schedule.step()


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
