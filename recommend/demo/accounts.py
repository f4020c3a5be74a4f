"""Passwords of the demo's shoppers with an account, so that a visitor can log in as one of them."""

import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model

from recommend.demo.habits import Account


def passwords_file() -> Path:
    """{name: {"about": …, "password": …}}, readable by the owner only."""
    return Path(settings.HOME) / "demo-shoppers.json"


def set_passwords(accounts: Iterable[Account]) -> None:
    """Give each account the password in the file, which is made once."""
    file = passwords_file()
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text("{}")
    known = json.loads(file.read_text())
    for account in accounts:
        entry = known.setdefault(account.name, {"password": secrets.token_urlsafe(9)})
        entry["about"] = account.about
        user = get_user_model().objects.filter(username=account.name).first()
        if user is not None and not user.check_password(entry["password"]):
            user.set_password(entry["password"])
            user.save(update_fields=["password"])
    file.write_text(json.dumps(known, indent=1))
