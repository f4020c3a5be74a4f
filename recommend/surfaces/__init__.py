"""The surfaces by the names that addresses and templates use."""

from recommend.surfaces import content
from recommend.surfaces.base import Answer, Ask, Recommendation, Surface

SURFACES: dict[str, Surface] = {
    surface.name: surface
    for surface in (
        Surface("similar", "You may also like", content.similar, needs_product=True),
        Surface("visually-similar", "Looks like it", content.visually_similar, needs_product=True),
    )
}

__all__ = ["SURFACES", "Answer", "Ask", "Recommendation", "Surface"]
