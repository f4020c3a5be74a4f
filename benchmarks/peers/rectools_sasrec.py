"""RecTools' SASRec on a file of histories, in an environment of its own: prints how many events a second it learns.

    python rectools_sasrec.py HISTORIES CONFIG     a line is items with blanks between them; CONFIG is a JSON object

Knows nothing of Vetrina. Runs on one thread and the CPU, as what it is compared with.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import torch
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools.models.nn.item_net import IdEmbeddingsItemNet

ENDED: list[float] = []  # when each epoch did


class Watch(Callback):
    """A list of its own would be lost: the trainer works on a copy."""

    def on_train_epoch_end(self, trainer, module) -> None:
        ENDED.append(time.perf_counter())


def main(histories: Path, config: dict) -> dict:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    seed_everything(0, verbose=False)
    rows = [
        (user, int(item), 1, at)
        for user, line in enumerate(histories.read_text().splitlines())
        for at, item in enumerate(line.split())
    ]
    events = pd.DataFrame(rows, columns=[Columns.User, Columns.Item, Columns.Weight, Columns.Datetime])
    events[Columns.Datetime] = pd.to_datetime(events[Columns.Datetime], unit="h")
    dataset = Dataset.construct(events)

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=config["epochs"],
            min_epochs=config["epochs"],
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Watch()],
        )

    model = SASRecModel(
        n_factors=config["dim"],
        n_blocks=config["layers"],
        n_heads=config["heads"],
        session_max_len=config["longest"],
        batch_size=config["batch"],
        dropout_rate=config["dropout"],
        loss=config["loss"],
        n_negatives=config["negatives"],
        item_net_block_types=(IdEmbeddingsItemNet,),
        get_trainer_func=trainer,
    )
    model.fit(dataset)
    learned = len(events) - events[Columns.User].nunique()  # the first of a history is never foreseen
    seconds = ENDED[-1] - ENDED[0]
    return {
        "events_per_second": learned * (config["epochs"] - 1) / seconds,
        "parameters": sum(each.numel() for each in model.torch_model.parameters()),
        "version": __import__("rectools").__version__,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), json.loads(sys.argv[2]))))
