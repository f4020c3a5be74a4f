#!/usr/bin/env python
"""Vetrina's command line: `.venv/bin/python manage.py help` lists what it does."""

import os
import sys
from pathlib import Path

# `platform/` is a source root, not a package: a package of that name would hide the standard library's module.
sys.path.insert(1, str(Path(__file__).resolve().parent / "platform"))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vetrina.settings")
    from vetrina.command_line import run

    run(sys.argv)


if __name__ == "__main__":
    main()
