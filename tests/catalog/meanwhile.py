"""Somebody else who writes while a request is under way."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import OperationalError, connection
from rest_framework.serializers import BaseSerializer


@contextmanager
def meanwhile(serializer: type[BaseSerializer], write: Callable[[], object]) -> Iterator[None]:
    """Let another thread `write` between the reading of a row and its change over REST, or after it if it must wait."""
    written: list[object] = []

    def attempt() -> None:
        # The tests' database lives in memory, where a locked table is refused at once instead of waited for.
        with suppress(OperationalError):
            written.append(write())
        connection.close()

    writer, check = threading.Thread(target=attempt), serializer.is_valid

    def is_valid(self, **options):
        writer.start()
        writer.join(0.3 if connection.features.has_select_for_update else None)
        return check(self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serializer, "is_valid", is_valid)
        yield
    writer.join()
    if not written:
        write()
