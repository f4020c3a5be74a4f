"""Measure how well copies of pictures are found."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.duplicates.finding import COLOUR, DETAIL
from search.encoders.base import EncoderError
from search.encoders.registry import current_spec, encoder_for
from search.evaluation.duplicates import CHANGES, choose, measure
from search.evaluation.photos import PhotosError, from_folder, readable

AT_ONCE = 64


class Command(BaseCommand):
    help = (
        "Copy some pictures of products.csv and images/ in eight ways (saved again, resized, cropped, mirrored …), and "
        "look for their originals among all of them. Thresholds are chosen on one half and reported on the other."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder with products.csv and images/")
        parser.add_argument("--sample", type=int, default=150, help="pictures that are copied")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, data: Path, sample: int, **options: Any) -> None:
        quiet = True if options["verbosity"] == 0 else None
        try:
            encoder: Any = encoder_for(current_spec("image"))
            pictures, vectors = [], []
            photos = from_folder(data)
            with tqdm(total=len(photos), unit="picture", disable=quiet) as bar:
                for _, image in readable(photos):
                    pictures.append(image)
                    if len(pictures) % AT_ONCE == 0:
                        vectors.append(encoder.encode_images(pictures[-AT_ONCE:]))
                    bar.update()
            if rest := len(pictures) % AT_ONCE:
                vectors.append(encoder.encode_images(pictures[-rest:]))
            with tqdm(total=min(sample, len(pictures)), unit="copied picture", disable=quiet) as bar:
                tuned, kept = measure(
                    pictures, np.vstack(vectors), encoder.encode_images, sample=sample, progress=bar.update
                )
        except (EncoderError, PhotosError) as error:
            raise CommandError(str(error)) from error
        chosen = choose(tuned)
        report = {
            "encoder": encoder.model_id,
            "pictures": len(pictures),
            "copies": sum(map(len, kept.right.values())),
            "others_proposed": len(kept.wrong),
            "in_use": {"colour": COLOUR, "detail": DETAIL},
            "chosen_on_the_other_half": {"colour": chosen[0], "detail": chosen[1]},
            "precision": kept.precision(COLOUR, DETAIL),
            "recall": kept.recall(COLOUR, DETAIL),
            "recall_by_change": {name: kept.recall(COLOUR, DETAIL, name) for name in CHANGES},
            "proposed_by_change": {
                name: sum(each is not None for each in seen) / len(seen) for name, seen in kept.right.items()
            },
            "precision_as_chosen": kept.precision(*chosen),
            "recall_as_chosen": kept.recall(*chosen),
        }
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(json.dumps(report, indent=2))
