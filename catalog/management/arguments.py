"""Arguments that more than one command takes."""

from django.core.management.base import CommandError


def mapping(pairs: list[str]) -> dict[str, str]:
    """Field -> column, from `--map FIELD=COLUMN` given any number of times. Raises CommandError."""
    found = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise CommandError(f"--map takes FIELD=COLUMN, not {pair!r}.")
        found[name.strip()] = column.strip()
    return found
