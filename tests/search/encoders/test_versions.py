"""Fitted heads as versions: what is active, what a spec says, and that older ones stay loadable."""

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from search.encoders import registry
from search.encoders.base import EncoderError
from search.encoders.joint import JointHead
from search.encoders.versions import activate, add_version, roll_back
from search.models import EncoderVersion

pytestmark = pytest.mark.django_db
BACKEND = "search.encoders.bundled.BundledJointEncoder"


class Echo:
    """An encoder that shows what it was built with."""

    def __init__(self, **options: object) -> None:
        self.options = options


@pytest.fixture(autouse=True)
def _image_encoder(settings, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    settings.ENCODERS = settings.ENCODERS | {"image": {"BACKEND": BACKEND, "OPTIONS": {}}}
    monkeypatch.setattr(registry, "_encoders", {})
    monkeypatch.setattr("search.encoders.bundled.BundledJointEncoder", Echo)


def version(name: str, *, active: bool = True, backend: str = BACKEND) -> EncoderVersion:
    return add_version("image", backend, name, name.encode(), {}, active=active)


def test_the_active_version_is_part_of_the_spec_and_its_weights_reach_the_encoder() -> None:
    assert registry.current_spec("image") == {"BACKEND": BACKEND, "OPTIONS": {}}
    first = version("one")
    spec = registry.current_spec("image")
    assert spec["OPTIONS"] == {"head": first.pk}
    second = version("two")
    assert registry.current_spec("image")["OPTIONS"] == {"head": second.pk}
    # A collection that was filled with the first one is still searched with it.
    assert registry.encoder_for(spec).options["head"] == b"one"
    assert registry.get_encoder("image").options["head"] == b"two"
    assert registry.get_encoder("image") is registry.get_encoder("image")


def test_a_version_of_another_encoder_rests() -> None:
    version("other", backend="search.encoders.openclip.OpenClipEncoder")
    assert registry.current_spec("image")["OPTIONS"] == {}


def test_a_version_that_is_gone_is_said_so() -> None:
    with pytest.raises(EncoderError, match="version 999") as caught:
        registry.encoder_for({"BACKEND": BACKEND, "OPTIONS": {"head": 999}})
    assert caught.value.permanent


def test_rolling_back_goes_one_step_at_a_time_and_ends_at_what_ships() -> None:
    one, two = version("one"), version("two")
    version("never used", active=False)
    assert roll_back("image") == one
    assert registry.current_spec("image")["OPTIONS"] == {"head": one.pk}
    assert roll_back("image") is None
    assert registry.current_spec("image")["OPTIONS"] == {}
    assert activate(two).active


def test_the_database_holds_one_active_version_of_a_kind() -> None:
    version("one")
    with pytest.raises(IntegrityError), transaction.atomic():
        EncoderVersion.objects.create(kind="image", backend=BACKEND, model_id="x", weights=b"", active=True)


def test_a_head_comes_back_from_its_bytes() -> None:
    matrix = np.linspace(-1, 1, 30, dtype=np.float32).reshape(10, 3)
    head = JointHead.from_bytes(JointHead(look=matrix, words=2 * matrix).to_bytes())
    np.testing.assert_allclose(head.look, matrix, atol=1e-3)
    assert head.kind is None
    with pytest.raises(EncoderError, match="not a fitted head"):
        JointHead.from_bytes(b"something else")
