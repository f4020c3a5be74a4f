"""Names the colour of a picture, and paints the same thing in another colour.

Names are given in OKLCh (Björn Ottosson, "A perceptual color space for image processing", 2020), where equal steps look
equal; repainting turns the hue in HSV, which keeps saturation and value and with them highlights and shadows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating]

NAMES = (
    "black",
    "white",
    "grey",
    "brown",
    "beige",
    "red",
    "orange",
    "yellow",
    "green",
    "teal",
    "blue",
    "purple",
    "pink",
)
# Where each colour lies for Pillow's HSV: hue of 256, and the factors for saturation and value that make it look right.
TARGETS: dict[str, tuple[int, float, float]] = {
    "red": (250, 1.0, 1.0),
    "orange": (19, 1.05, 1.05),
    "yellow": (34, 1.0, 1.15),
    "green": (90, 0.9, 0.9),
    "blue": (150, 1.0, 1.0),
    "purple": (192, 0.85, 1.0),
    "pink": (232, 0.62, 1.1),
}
# Hues within this distance of the main one (of 256) are repainted with it; those further away are an accent and stay.
WINDOW = 38


# Shading turns the one into the other, so that together they are one colour to the eye: the greater part's.
SHADES = (
    *(
        {"brown", "red"},
        {"brown", "orange"},
        {"brown", "beige"},
        {"orange", "beige"},
        {"red", "pink"},
        {"red", "orange"},
    ),
    *({"orange", "yellow"}, {"yellow", "green"}, {"green", "teal"}, {"teal", "blue"}, {"blue", "purple"}),
    *({"purple", "pink"}, {"white", "grey"}, {"grey", "black"}, {"white", "purple"}, {"black", "purple"}),
)


@dataclass(frozen=True)
class Measured:
    """`name` covers `share` of what is opaque; `second` is the runner-up where it covers at least a fifth."""

    name: str
    share: float
    second: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """As a shop would put it: one colour, two, or "multicolour"."""
        if self.share < 0.34:
            return ("multicolour",)
        two = self.second and self.share < 0.55 and {self.name, self.second} not in SHADES
        return (self.name, self.second) if two else (self.name,)


TO_LMS = np.array(
    [[0.4122215, 0.2119035, 0.0883025], [0.5363325, 0.6806996, 0.2817188], [0.0514460, 0.1073970, 0.6299787]]
)
TO_LAB = np.array(
    [[0.2104543, 1.9779985, 0.0259040], [0.7936178, -2.4285922, 0.7827718], [-0.0040720, 0.4505937, -0.8086758]]
)


def _oklch(rgb: Floats) -> tuple[Floats, Floats, Floats]:
    """sRGB in 0..1, shape (n, 3), to lightness 0..1, chroma, and hue in degrees, each (n,)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab = np.cbrt(linear @ TO_LMS) @ TO_LAB
    return lab[:, 0], np.hypot(lab[:, 1], lab[:, 2]), np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360


def _name_pixels(rgb: Floats) -> NDArray[np.int64]:
    """The index into NAMES for each row of `rgb` (n, 3)."""
    light, chroma, hue = _oklch(rgb)
    warm = (hue > 20) & (hue < 105)
    # The pictures shade white, grey and black things in violet: a faint violet is no colour.
    violet = (hue > 270) & (hue < 335)
    pale = chroma < np.where(violet & (light > 0.72), 0.075, np.where(violet, 0.055, 0.035))
    dark = (light < 0.30) & (chroma < 0.06) | (light < 0.42) & violet & (chroma < 0.085)
    rules: dict[str, list[NDArray[np.bool_]]] = {
        "black": [dark, pale & (light < 0.36)],
        "white": [pale & (light > 0.86)],
        "grey": [pale],
        "beige": [warm & (chroma < 0.085) & (light > 0.74)],
        "brown": [warm & ((light < 0.52) & (hue > 38) | (light < 0.68) & (chroma < 0.11) | (light < 0.6) & (hue > 48))],
        "pink": [(hue >= 330) | (hue < 14)],
        "red": [hue < 38],
        "orange": [hue < 72],
        "yellow": [hue < 112],
        "green": [hue < 170],
        "teal": [hue < 218],
        "blue": [hue < 281],
        "purple": [hue < 330],
    }
    # The first rule that holds names the pixel.
    conditions = [condition for of_name in rules.values() for condition in of_name]
    indices = [np.full(len(light), NAMES.index(name)) for name, of_name in rules.items() for _ in of_name]
    named = np.select(conditions, indices)
    # Deep pink is red to the eye, light red is pink.
    crimson = (named == NAMES.index("pink")) & (light < 0.60) & ((hue >= 350) | (hue < 14))
    salmon = (named == NAMES.index("red")) & (light > 0.76)
    return np.where(crimson, NAMES.index("red"), np.where(salmon, NAMES.index("pink"), named))


def measure(picture: Image.Image) -> Measured:
    """The colour of an RGBA picture, by its opaque pixels; colour outweighs white, grey and black parts.

    Raises ValueError for a picture without an opaque pixel.
    """
    small = np.asarray(picture.resize((96, 96), Image.Resampling.BOX))
    opaque = small[small[..., 3] > 128]
    if not len(opaque):
        raise ValueError("The picture has no opaque pixel.")
    counts = np.bincount(_name_pixels(opaque[:, :3].astype(np.float32) / 255), minlength=len(NAMES)).astype(float)
    counts[: NAMES.index("brown")] *= 0.6
    shares = counts / counts.sum()
    first, second = np.argsort(-shares, kind="stable")[:2]
    return Measured(NAMES[first], float(shares[first]), NAMES[second] if shares[second] >= 0.2 else "")


def _main_hue(hsv: NDArray[np.uint8], opaque: NDArray[np.bool_]) -> tuple[int, float, float] | None:
    """The main hue (of 256), its share of the opaque pixels, and the share of hues that are neither main nor accent."""
    vivid = opaque & (hsv[..., 1] > 70) & (hsv[..., 2] > 100)
    if vivid.sum() < 0.42 * opaque.sum():
        return None
    counts = np.bincount(hsv[..., 0][vivid], minlength=256).astype(float)
    around = np.convolve(np.tile(counts, 3), np.ones(2 * WINDOW // 2 + 1), mode="same")[256:512]
    main = int(around.argmax())
    distance = np.abs((np.arange(256) - main + 128) % 256 - 128)
    total = opaque.sum()
    inside = counts[distance <= WINDOW].sum() / total
    between = counts[(distance > WINDOW - 8) & (distance <= WINDOW + 14)].sum() / total
    return main, float(inside), float(between)


def repaint(picture: Image.Image, names: list[str], limit: int) -> dict[str, Image.Image]:
    """The same thing in up to `limit` other colours, tried in the order of `names`; empty if it has no clear colour.

    A colour is kept only if the repainted picture measures as that colour, clearly, and none of the others does.
    """
    rgb, alpha = picture.convert("RGB"), picture.getchannel("A")
    hsv = np.asarray(rgb.convert("HSV"))
    main = _main_hue(hsv, np.asarray(alpha) > 128)
    own = measure(picture)
    if main is None or main[1] < 0.42 or own.name not in TARGETS or own.share < 0.34:
        return {}
    whole = main[1] > 0.8  # of one hue but for its shading: then all of it is repainted, and nothing is an accent
    if not whole and main[2] > 0.05:
        return {}
    hue = hsv[..., 0].astype(np.int16)
    mine = (np.abs((hue - main[0] + 128) % 256 - 128) <= WINDOW) | whole
    kept: dict[str, Image.Image] = {}
    for name in names:
        if name in (own.name, own.second) or len(kept) == limit:
            continue
        target, saturation, value = TARGETS[name]
        # Shading that drifts in hue (yellow to orange) keeps half its drift: a whole one would be a second colour.
        drift = ((hue - main[0] + 128) % 256 - 128) // 2
        painted = np.stack(
            [
                (target + drift) % 256,
                np.clip(hsv[..., 1] * saturation, 0, 255),
                # A highlight has no saturation, and stays as bright as it is.
                np.clip(hsv[..., 2] * (1 + (value - 1) * hsv[..., 1] / 255), 0, 255),
            ],
            axis=-1,
        ).astype(np.uint8)
        result = Image.fromarray(np.where(mine[..., None], painted, hsv), "HSV").convert("RGB")
        result.putalpha(alpha)
        seen = measure(result)
        if seen.name == name and seen.share >= max(0.45, 0.75 * own.share):
            kept[name] = result
    return kept
