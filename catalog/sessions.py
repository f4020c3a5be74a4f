"""Django's sessions in the database, each bound to the shop that it was begun in (SESSION_ENGINE).

A cookie of one shop that is sent to another's host opens nothing there: no cart, no account, and no way to write to it.
"""

from typing import Any

from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError

from catalog.tenancy import DEFAULT_SHOP, current_shop_id

SHOP = "_shop"


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Any:
        session = super()._get_session_from_db()  # type: ignore[misc]
        if session is None or not settings.MULTI_SHOP:
            return session
        # One from before there were several shops is the first one's.
        if self.decode(session.session_data).get(SHOP, DEFAULT_SHOP) != current_shop_id():
            self._session_key = None  # as of a session that is not there: what is saved gets a key of its own
            return None
        return session

    def save(self, must_create: bool = False) -> None:
        """Save; raises UpdateError where the session was deleted meanwhile, and for nothing else.

        Django takes any failure of the database for that, and answers 400 to who is to come again in a moment.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            failure = error.__context__
            told = failure.__cause__ if failure is not None else None  # by the driver: the row was not the matter
            if failure is not None and told is not None:
                raise failure from told
            raise

    def encode(self, session_dict: dict[str, Any]) -> str:
        if settings.MULTI_SHOP:
            session_dict = {**session_dict, SHOP: current_shop_id()}
        return super().encode(session_dict)
