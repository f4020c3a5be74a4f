"""A fit finds what pictures and titles have in common, and composition moves a picture by words."""

import numpy as np
import pytest

from search.encoders.base import EncoderError
from search.encoders.batches import normalise
from search.encoders.compose import compose
from search.encoders.fitting import fit_head, steps
from search.encoders.joint import CLASSIFIED

pytestmark = pytest.mark.slow
KINDS, COLOURS, TEXT = 4, 5, 24


@pytest.fixture(scope="module")
def world() -> dict[str, np.ndarray]:
    """Pictures whose features mix a kind, a colour and noise; titles that add a word for each."""
    chance = np.random.default_rng(0)
    kinds, colours = chance.integers(0, KINDS, 400), chance.integers(0, COLOURS, 400)
    words = normalise(chance.normal(size=(KINDS + COLOURS, TEXT)))
    seen = chance.normal(size=(KINDS + COLOURS, 64))
    features = seen[kinds] + seen[KINDS + colours] + chance.normal(size=(400, 64))
    titles = normalise(words[kinds] + words[KINDS + colours])
    return {
        "kinds": kinds,
        "colours": colours,
        "features": features.astype(np.float32),
        "titles": titles,
        "words": words,
    }


class Fitted:
    """The space of a head over the made-up world; words are rows of its table."""

    def __init__(self, world: dict[str, np.ndarray], with_kinds: bool) -> None:
        kinds = [str(kind) for kind in world["kinds"][:300]] if with_kinds else None
        self.head = fit_head(world["features"][:300], world["titles"][:300], kinds)
        self.words, self.joint_dim = world["words"], TEXT
        self.dim = TEXT + self.head.extra_dim
        blind = np.zeros((len(world["features"]), TEXT), np.float32)
        self.pictures = self.head.images(world["features"], blind)
        self.model_id = "fitted"

    def encode_text(self, texts, *, query=False):  # type: ignore[no-untyped-def]
        return np.pad(self.words[[int(text) for text in texts]], ((0, 0), (0, self.head.extra_dim)))

    def encode_images(self, images):  # type: ignore[no-untyped-def]
        raise NotImplementedError


@pytest.fixture(scope="module", params=[True, False], ids=["with categories", "without"])
def fitted(request: pytest.FixtureRequest, world: dict[str, np.ndarray]) -> Fitted:
    return Fitted(world, request.param)


def test_unseen_pictures_are_found_by_words(fitted: Fitted, world: dict[str, np.ndarray]) -> None:
    unseen = fitted.pictures[300:]
    for colour in range(COLOURS):
        best = np.argsort(-(fitted.encode_text([str(KINDS + colour)]) @ unseen.T)[0])[:5]
        assert (world["colours"][300:][best] == colour).mean() >= 0.8


def test_composed_queries_keep_the_kind_and_change_the_colour(fitted: Fitted, world: dict[str, np.ndarray]) -> None:
    right = []
    for row in range(300, 320):
        wanted = (world["colours"][row] + 1) % COLOURS
        query = compose(fitted, text=str(KINDS + wanted), image_vectors=fitted.pictures[row : row + 1])
        assert query.shape == (1, fitted.dim)
        assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
        scores = (query @ fitted.pictures[:300].T)[0]
        best = np.argsort(-scores)[:5]
        right.append((world["colours"][best] == wanted) & (world["kinds"][best] == world["kinds"][row]))
    assert np.mean(right) > 0.6  # 0.05 by chance


def test_words_to_stay_away_from_push_their_pictures_down(fitted: Fitted, world: dict[str, np.ndarray]) -> None:
    row = 300
    own = str(KINDS + world["colours"][row])
    same = world["colours"][:300] == world["colours"][row]
    picture = fitted.pictures[row : row + 1]
    before = (compose(fitted, image_vectors=picture) @ fitted.pictures[:300].T)[0]
    after = (compose(fitted, image_vectors=picture, negative=own) @ fitted.pictures[:300].T)[0]
    assert same[np.argsort(-after)[:30]].sum() < same[np.argsort(-before)[:30]].sum()


def test_nothing_but_words_to_avoid_is_no_query(fitted: Fitted) -> None:
    with pytest.raises(EncoderError, match="a picture or words"):
        compose(fitted, negative="0")


def test_a_fit_is_deterministic_and_reports_each_step(world: dict[str, np.ndarray]) -> None:
    kinds, seen = ["a", "b"] * 50, []
    first = fit_head(world["features"][:100], world["titles"][:100], kinds, progress=lambda: seen.append(1))
    again = fit_head(world["features"][:100], world["titles"][:100], kinds)
    assert first.to_bytes() == again.to_bytes()
    assert len(seen) == steps(100, kinds)
    assert first.look.shape == again.look.shape == (65, 128)
    assert CLASSIFIED > 64  # the made-up features have no classifier's part, and a fit needs none


def test_too_few_pictures_are_refused(world: dict[str, np.ndarray]) -> None:
    with pytest.raises(EncoderError, match="at least 32"):
        fit_head(world["features"][:5], world["titles"][:5])
