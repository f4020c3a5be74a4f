"""Where networks are compiled to, once for the session, and a picture to look at."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw


@pytest.fixture(scope="session")
def encoder_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def red_disc() -> Image.Image:
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).ellipse((60, 30, 240, 170), fill=(200, 30, 40))
    return image


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.search.encoders.models import bert_folder

    return bert_folder(tmp_path_factory.mktemp("bert") / "tiny", prompts={"query": "query : ", "passage": "passage : "})


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.search.encoders.models import clip_folder

    return clip_folder(tmp_path_factory.mktemp("clip") / "tiny")
