"""How a catalogue is read: chosen once, by whoever starts an import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from catalog.importing.rows import RowRules


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a catalogue. ``mapping`` names the column of a field where its name does not tell."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    keep_unknown: bool = True  # columns of unknown meaning become attributes
    status: str = "published"  # of new products whose row does not say
    stock: int = 1  # likewise
    decimal: str = ""  # "." or ",": the decimal sign of prices
    pictures: str = "strict"  # strict, lenient (leave broken ones out), skip (leave pictures alone)
    fetch: bool = True  # pictures by address
    force: bool = False  # compare every row with the database
    resume: bool = False  # skip the rows that an interrupted run committed
    batch: int = 500  # rows of one transaction
    only_store: str = ""  # the name of the one store whose products may be written; empty: any
    user: AbstractBaseUser | None = None
    report_to: Path | None = None  # stem of the report's files; None: in HOME/imports

    def rules(self, *, from_table: bool) -> RowRules:
        return RowRules(self.status, self.stock, settings.SHOP_CURRENCY, self.decimal, from_table, self.only_store)
