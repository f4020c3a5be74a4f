"""For you: the model's best for this shopper's history, with room for each of the interests in it."""

from django.conf import settings

from recommend.serving import candidates, reasons
from recommend.serving.profile import profile_of
from recommend.serving.serve import serve
from recommend.serving.shelf import Wish
from recommend.surfaces.base import Answer, Ask


def for_you(ask: Ask) -> Answer:
    """Strangers get what is popular, and shoppers whom the model cannot tell anything what counts and content say."""
    profile, wish = profile_of(ask), Wish.of(ask)
    pool = candidates.for_shopper(profile, wish)
    # Who looked at the blue tent has met the pink one on its page.
    met = set() if settings.RECOMMEND_SEEN_AGAIN else {each.family for each in profile.remembered.values()} - {""}
    return serve(
        wish,
        profile,
        pool,
        lambda products: reasons.for_shopper(profile, pool, products),
        seen=True,
        keep=lambda stand: stand.family not in met,
        several_interests=True,
    )
