"""For you: the model's best for this shopper's history, with room for each of the interests in it."""

from recommend.serving import candidates, reasons
from recommend.serving.profile import profile_of
from recommend.serving.serve import serve
from recommend.serving.shelf import Wish
from recommend.surfaces.base import Answer, Ask


def for_you(ask: Ask) -> Answer:
    """Strangers get what is popular, and shoppers whom the model cannot tell anything what counts and content say."""
    profile, wish = profile_of(ask), Wish.of(ask)
    pool = candidates.for_shopper(profile, wish, wanted=ask.offset + ask.limit + len(ask.exclude))
    return serve(
        wish,
        profile,
        pool,
        lambda products: reasons.for_shopper(profile, pool, products),
        seen=True,
        several_interests=True,
    )
