"""Measure how well pictures are found by pictures, by words, and by both."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.encoders.base import EncoderError
from search.encoders.bundled import BundledJointEncoder
from search.encoders.registry import current_spec, encoder_for
from search.evaluation.images import NOTE
from search.evaluation.joint import Rows, figures, figures_of_head, fit, read_rows
from search.evaluation.photos import PhotosError, from_folder
from search.management.commands.finetune import BACKEND


class Command(BaseCommand):
    help = (
        "Measure image to image, text to image and picture with words on products.csv and images/ of a folder. Every "
        "encoder is measured on the same product families, which the head was not fitted to."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder with products.csv and images/")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, data: Path, **options: Any) -> None:
        quiet = True if options["verbosity"] == 0 else None
        try:
            photos = from_folder(data)
            plain: BundledJointEncoder = encoder_for({"BACKEND": BACKEND, "OPTIONS": {}})
            with tqdm(total=len(photos), unit="picture", disable=quiet) as bar:
                rows = read_rows(photos, plain.features, plain, bar)
            rows = Rows(rows.photos, rows.pictures, rows.titles[:, : plain.joint_dim])
            held_out, rest = rows.part(rows.held_out), rows.part(~rows.held_out)
            if not held_out.photos or not rest.photos:
                raise CommandError("There are too few product families to hold some of them out.")
            by_encoder = {
                "conse": figures_of_head(plain, held_out, rest),
                "head": figures_of_head(plain.with_head(fit(rest)[0]), held_out, rest),
            }
            used = "head"
            if settings.ENCODERS["image"]["BACKEND"] != BACKEND:
                encoder: Any = encoder_for(current_spec("image"))
                used = encoder.model_id
                with tqdm(total=len(photos), unit="picture", disable=quiet) as bar:
                    vectors = read_rows(rows.photos, encoder.encode_images, encoder, bar)
                out = vectors.held_out
                own, others = vectors.part(out), vectors.part(~out)
                by_encoder[used] = figures(encoder, own, others.pictures, others.kinds)
        except (EncoderError, PhotosError) as error:
            raise CommandError(str(error)) from error
        report: dict[str, Any] = by_encoder[used] | {
            "encoder": used,
            "by_encoder": by_encoder,
            "pictures": len(rows.photos),
            "held_out": len(held_out.photos),
            "note": NOTE,
        }
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(f"{len(held_out.photos)} of {len(rows.photos)} pictures held out by product family. {NOTE}")
        self.stdout.write(f"{'':>36}" + "".join(f"{name:>24}" for name in by_encoder))
        for key in by_encoder["head"]:
            self.stdout.write(f"{key:>36}" + "".join(f"{values[key]:>24.3f}" for values in by_encoder.values()))
