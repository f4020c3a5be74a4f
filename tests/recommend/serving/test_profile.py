"""The live model as serving sees it: where it cannot be read, it rests, and no other shop's does."""

from collections.abc import Iterator

import pytest

from catalog.tenancy import current_shop_id, in_shop
from recommend.serving import memory, profile


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The shops whose models were read; that of shop 2 cannot be."""
    shops: list[int] = []

    def live() -> str:
        shops.append(current_shop_id())
        if shops[-1] == 2:
            raise OSError("The files are gone.")
        return "a model"

    monkeypatch.setattr(profile, "live", live)
    memory.forget()
    yield shops
    memory.forget()


def test_a_model_that_cannot_be_read_rests_and_those_of_other_shops_serve(asked: list[int]) -> None:
    for _ in range(2):
        with in_shop(2):
            assert profile.live_model() is None
        with in_shop(1):
            assert profile.live_model() == "a model"
    assert asked == [2, 1, 1], "shop 2's was not tried again at once"
