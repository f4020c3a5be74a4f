"""The surfaces by the names that addresses and templates use. docs/surfaces.md has the rule and the reasons of each."""

from recommend.surfaces.base import Answer, Ask, Recommendation, Surface

_RULES = "recommend.surfaces"
SURFACES: dict[str, Surface] = {
    surface.name: surface
    for surface in (
        Surface("for-you", "For you", f"{_RULES}.for_you.for_you"),
        Surface(
            "similar",
            "You may also like",
            f"{_RULES}.content.similar",
            needs_product=True,
            instead=f"{_RULES}.content.of_its_category",
        ),
        Surface("visually-similar", "Looks like it", f"{_RULES}.content.visually_similar", needs_product=True),
        Surface("complements", "Goes well with it", f"{_RULES}.complements.complements", needs_product=True),
        Surface("bought-together", "Bought together", f"{_RULES}.complements.bought_together", needs_product=True),
        Surface("new-arrivals", "New in the shop", f"{_RULES}.new_arrivals.new_arrivals"),
        Surface("trending", "Wanted more than usual", f"{_RULES}.trending.trending"),
        Surface("stores", "Stores for you", f"{_RULES}.makers.stores", hits="store"),
        Surface("brands", "Brands for you", f"{_RULES}.makers.brands", hits="brand"),
        Surface("promotions", "Offers for you", f"{_RULES}.promotions.promotions", hits="promotion"),
        Surface("sponsored", "Sponsored", "recommend.sponsored.surface.sponsored"),
    )
}

__all__ = ["SURFACES", "Answer", "Ask", "Recommendation", "Surface"]
