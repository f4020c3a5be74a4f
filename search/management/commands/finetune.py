"""Fit the bundled joint space to a catalogue and store the result as a version."""

import json
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.encoders.base import EncoderError
from search.encoders.bundled import BundledJointEncoder
from search.encoders.fitting import steps
from search.encoders.registry import encoder_for
from search.encoders.versions import add_version
from search.evaluation.images import NOTE
from search.evaluation.joint import Rows, figures_of_head, fit, read_rows
from search.evaluation.photos import PhotosError, from_catalogue, from_folder

SEEN_SAMPLE = 1000
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
        parser.add_argument(
            "--embed",
            action=BooleanOptionalAction,
            default=True,
            help="once it is active, fill a collection with its vectors beside the live one and go live with it",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, data: Path | None, holdout: bool, activate: bool | None, **options: Any) -> None:
        """Fit, report, store, activate and embed, as far as the options say."""
        activate = data is None if activate is None else activate
        quiet = True if options["verbosity"] == 0 else None
        try:
            photos = from_catalogue() if data is None else from_folder(data)
            encoder: BundledJointEncoder = encoder_for({"BACKEND": BACKEND, "OPTIONS": {}})
            with tqdm(total=len(photos), unit="picture", disable=quiet) as bar:
                rows = read_rows(photos, encoder.features, encoder, bar)
            # The head is fitted in the text encoder's space, without the zeros of the parts that words do not reach.
            rows = Rows(rows.photos, rows.pictures, rows.titles[:, : encoder.joint_dim])
            report = self._held_out_report(encoder, rows, quiet) if holdout else {}
            with tqdm(total=steps(len(rows.photos), rows.kinds), unit="step", disable=quiet) as bar:
                # What is put to use is fitted to everything; the report's figures come from a fit without the held-out.
                head, seconds = fit(rows, lambda: bar.update())
            fitted = encoder.with_head(head)
            if not holdout:
                report = self._seen_report(encoder, fitted, rows)
            report |= {"pictures": len(rows.photos), "unreadable": len(photos) - len(rows.photos)}
            report |= {"train_seconds": round(seconds, 2), "bytes": len(head)}
        except (EncoderError, PhotosError) as error:
            raise CommandError(str(error)) from error
        report["model_id"] = fitted.model_id
        if data is None or activate:
            version = add_version("image", BACKEND, fitted.model_id, head, report, active=activate)
            report |= {"version": version.pk, "active": version.active}
        used = activate and settings.ENCODERS["image"]["BACKEND"] == BACKEND
        if used and options["embed"]:
            call_command("embed", stdout=self.stderr)
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self._show(report)
        if activate and not used:
            self.stdout.write("The settings name another image encoder, so this version rests until they do not.")
        elif used and not options["embed"]:
            self.stdout.write("Workers re-embed the catalogue from now on; `manage.py embed` does it at once.")

    def _held_out_report(self, encoder: BundledJointEncoder, rows: Rows, quiet: bool | None) -> dict[str, Any]:
        held_out, rest = rows.part(rows.held_out), rows.part(~rows.held_out)
        if not held_out.photos or not rest.photos:
            raise CommandError("There are too few product families to hold some of them out.")
        with tqdm(total=steps(len(rest.photos), rest.kinds), unit="step", disable=quiet) as bar:
            head, _ = fit(rest, lambda: bar.update())
        return {
            "held_out": len(held_out.photos),
            "fitted_to": len(rest.photos),
            "split": "by product family: titles without their colours; no family is on both sides",
            "note": NOTE,
            "before": figures_of_head(encoder, held_out, rest),
            "after": figures_of_head(encoder.with_head(head), held_out, rest),
        }

    def _seen_report(self, encoder: BundledJointEncoder, fitted: BundledJointEncoder, rows: Rows) -> dict[str, Any]:
        """The same figures over a sample of what was fitted to: quick, and too good to be compared with others."""
        asked = np.zeros(len(rows.photos), dtype=bool)
        asked[np.flatnonzero(rows.held_out)[:SEEN_SAMPLE]] = True
        others = np.zeros(len(rows.photos), dtype=bool)
        others[np.flatnonzero(~rows.held_out)[: 4 * SEEN_SAMPLE]] = True
        if not asked.any() or not others.any():
            return {"note": NOTE, "before": {}, "after": {}}
        return {
            "split": f"none: {asked.sum()} of the products that it was fitted to; --holdout measures on unseen ones",
            "note": NOTE,
            "before": figures_of_head(encoder, rows.part(asked), rows.part(others)),
            "after": figures_of_head(fitted, rows.part(asked), rows.part(others)),
        }

    def _show(self, report: dict[str, Any]) -> None:
        for key, value in report.items():
            if not isinstance(value, dict):
                self.stdout.write(f"{key:>16}: {value}")
        if report["before"]:
            self.stdout.write(f"{'':>36} before  after")
            for key, after in report["after"].items():
                before = report["before"].get(key)  # a share of nothing is not told
                self.stdout.write(f"{key:>36}  {'    –' if before is None else f'{before:.3f}'}  {after:.3f}")
