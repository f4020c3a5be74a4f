"""The folder of pictures is full while pictures are uploaded."""

import hashlib
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest
from PIL import Image

from tests.faults.conftest import Record
from tests.faults.folders import empty, fill
from tests.faults.running import Fault, run
from tests.faults.shopper import PLAIN
from tests.faults.site import FaultSite
from tests.faults.writers import LONG, Verdict, Writers

pytestmark = [pytest.mark.faults, pytest.mark.own_parts]

STORED = """
import hashlib, json
from catalog.models import Picture
rows = Picture.objects.filter(sha256__in=json.loads(%s))
result = [each.sha256 for each in rows if hashlib.sha256(each.file.read()).hexdigest() == each.sha256]
"""


@dataclass
class WritersOfPictures(Writers):
    """Beside the others, one who uploads pictures until each is taken."""

    pictures: set[str] = field(default_factory=set)  # SHA-256 of what was acknowledged

    def work(self) -> list[Callable[[], None]]:
        return [*super().work(), self._upload]

    def _upload(self) -> None:
        chance = random.Random(1)
        with httpx.Client(headers={"Authorization": f"Api-Key {self.key}"}, timeout=LONG, **PLAIN) as client:
            while not self._stop.is_set():
                data = picture(chance)
                address = f"{self.site.url}/api/v1/products/{chance.choice(self.skus)}/pictures"
                files = {"file": ("picture.png", data, "image/png")}
                self.until_stored("pictures", partial(client.post, address, files=files))
                self.pictures.add(hashlib.sha256(data).hexdigest())

    def verdict(self) -> Verdict:
        found = super().verdict()
        stored = self.site.direct.ask(STORED % json.dumps(json.dumps(list(self.pictures))))
        found.lost += [f"picture {each}" for each in self.pictures - set(stored)]
        found.doubled += ["picture"] * (len(stored) - len(set(stored)))
        return found


def picture(chance: random.Random) -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (64, 64), chance.randbytes(64 * 64 * 3)).save(file, "PNG")
    return file.getvalue()


def test_there_is_no_room_for_pictures(site: FaultSite, record: Record) -> None:
    media = site.folders["media"]
    run(site, record, Fault("media", "disk full", lambda: fill(media), lambda: empty(media)), WritersOfPictures)
