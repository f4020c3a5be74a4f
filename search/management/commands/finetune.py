"""Fit the bundled joint space to a catalogue and store the result as a version."""

import json
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.encoders.base import EncoderError
from search.encoders.bundled import BundledJointEncoder
from search.encoders.fitting import steps
from search.encoders.registry import encoder_for
from search.encoders.versions import add_version
from search.evaluation.images import NOTE
from search.evaluation.joint import Rows, figures_of_head, fit, read_rows
from search.evaluation.photos import Photo, PhotosError, from_catalogue, from_folder

BACKEND = "search.encoders.bundled.BundledJointEncoder"


class Command(BaseCommand):
    help = (
        "Fit the bundled joint space of pictures and words to the published products, or to products.csv and images/ "
        "of a folder. A folder changes nothing in the shop unless --activate is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, help="folder with products.csv and images/ (default: the catalogue)")
        parser.add_argument("--holdout", action="store_true", help="report on product families that the fit never saw")
        parser.add_argument(
            "--activate",
            action=BooleanOptionalAction,
            default=None,
            help="use it (default: if fitted to the catalogue)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, data: Path | None, holdout: bool, activate: bool | None, **options: Any) -> None:
        activate = data is None if activate is None else activate
        quiet = True if options["verbosity"] == 0 else None
        try:
            photos = from_catalogue() if data is None else from_folder(data)
            encoder: BundledJointEncoder = encoder_for({"BACKEND": BACKEND, "OPTIONS": {}})
            with tqdm(total=len(photos), unit="picture", disable=quiet) as bar:
                rows = read_rows(photos, encoder.features, encoder, bar)
            # The head is fitted in the text encoder's space, without the zeros of the parts that words do not reach.
            rows = Rows(rows.photos, rows.pictures, rows.titles[:, : encoder.joint_dim])
            report = self._report(encoder, rows, photos, holdout, quiet)
            with tqdm(total=steps(len(rows.photos), rows.kinds), unit="step", disable=quiet) as bar:
                # What is put to use is fitted to everything; the report's figures come from a fit without the held-out.
                head, seconds = fit(rows, lambda: bar.update())
            report |= {"train_seconds": round(seconds, 2), "bytes": len(head)}
            fitted = encoder.with_head(head)
        except (EncoderError, PhotosError) as error:
            raise CommandError(str(error)) from error
        report["model_id"] = fitted.model_id
        if data is None or activate:
            version = add_version("image", BACKEND, fitted.model_id, head, report, active=activate)
            report |= {"version": version.pk, "active": version.active}
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self._show(report)
        if activate and not options["json"]:
            self._say_next()

    def _report(
        self, encoder: BundledJointEncoder, rows: Rows, photos: list[Photo], holdout: bool, quiet: bool | None
    ) -> dict[str, Any]:
        report: dict[str, Any] = {"pictures": len(rows.photos), "unreadable": len(photos) - len(rows.photos)}
        if not holdout:
            return report
        held_out, rest = rows.part(rows.held_out), rows.part(~rows.held_out)
        if not held_out.photos or not rest.photos:
            raise CommandError("There are too few product families to hold some of them out.")
        with tqdm(total=steps(len(rest.photos), rest.kinds), unit="step", disable=quiet) as bar:
            head, _ = fit(rest, lambda: bar.update())
        return report | {
            "held_out": len(held_out.photos),
            "fitted_to": len(rest.photos),
            "split": "by product family: titles without their colours; no family is on both sides",
            "note": NOTE,
            "before": figures_of_head(encoder, held_out, rest),
            "after": figures_of_head(encoder.with_head(head), held_out, rest),
        }

    def _show(self, report: dict[str, Any]) -> None:
        for key, value in report.items():
            if not isinstance(value, dict):
                self.stdout.write(f"{key:>16}: {value}")
        if "before" in report:
            self.stdout.write(f"{'':>36} before  after")
            for key, after in report["after"].items():
                self.stdout.write(f"{key:>36}  {report['before'][key]:.3f}  {after:.3f}")

    def _say_next(self) -> None:
        if settings.ENCODERS["image"]["BACKEND"] != BACKEND:
            self.stdout.write("The settings name another image encoder, so this version rests until they do not.")
        else:
            self.stdout.write(
                "Now run `manage.py embed`: it fills a collection with the new vectors beside the live one."
            )
