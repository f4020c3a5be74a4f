"""What was written into an archive comes back on an empty machine, and nothing else is taken for an archive."""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.recommend.sponsored.shop_server import ROOT, postgres
from tests.shops import picture
from tests.workers.installation import Installation, installation

COLOURS = ("red", "green", "blue", "black")
# Runs in the shop: what a shopper finds, with its scores.
SEARCH = """
from search.query import SearchRequest, search
found = [[(hit.product.sku, hit.score) for hit in search(SearchRequest(q=q, image_of=like)).hits]
         for q, like in (("blue mug", ""), ("something to drink from", ""), ("", "mug-1"))]
import json
print(json.dumps({"found": found}))
"""


def catalogue(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    rows = ["sku,title,category,price,stock,image"]
    for number, colour in enumerate(COLOURS):  # of different lengths, or they would be equally good mugs
        (folder / "images" / f"mug-{number}.png").write_bytes(picture(colour))
        rows.append(
            f"mug-{number},{colour} {'large ' * number}mug,Kitchen > Mugs,{number + 1}.50,3,images/mug-{number}.png"
        )
    (folder / "products.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@contextmanager
def empty(home: Path, **settings: str) -> Iterator[Installation]:
    """A machine on which nothing was ever run but the installation itself."""
    home.mkdir()
    (home / "models").symlink_to(ROOT / "var" / "models")
    shop = Installation(home, settings=settings)
    try:
        yield shop
    finally:
        shop.kill_vectord()


def found_in(shop: Installation) -> object:
    return shop.manage("shell", "--no-imports", "-c", SEARCH)["found"]


@pytest.mark.slow
@pytest.mark.own_parts
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_restored_shop_finds_the_same(tmp_path: Path, engine: str) -> None:
    archive = tmp_path / "shop.tar"
    with ExitStack() as stack:
        databases = [stack.enter_context(postgres()) for _ in range(2)] if engine == "postgresql" else ["", ""]
        first, second = [{"DATABASE_URL": database} if database else {} for database in databases]
        (tmp_path / "old").mkdir()
        old = stack.enter_context(installation(tmp_path / "old", **first))
        imported = old.manage("import_catalog", str(catalogue(tmp_path / "data")), "--json")
        assert imported["created"] == len(COLOURS), imported
        old.manage("embed", "--json")
        (tmp_path / "old" / "recommenders").mkdir()
        (tmp_path / "old" / "recommenders" / "note.json").write_text("{}")
        before = found_in(old)
        written = old.manage("backup", str(archive), "--json")
        assert archive.stat().st_mode & 0o077 == 0, "an archive holds personal data"

        new = stack.enter_context(empty(tmp_path / "new", **second))
        restored = new.manage("restore", str(archive), "--json")
        assert restored["files"] == written["files"] > len(COLOURS)
        assert found_in(new) == before
        assert (tmp_path / "new" / "recommenders" / "note.json").read_text() == "{}"
        levels = {"missing": 0, "stale": 0, "orphaned": 0, "waiting": 0, "parked": 0}
        assert new.manage("check_index", "--json") == {"products": len(COLOURS), "indexed": len(COLOURS)} | levels
        with pytest.raises(AssertionError, match="not empty"):
            new.manage("restore", str(archive))


@pytest.mark.slow
@pytest.mark.own_parts
def test_what_is_no_archive_leaves_the_machine_empty(tmp_path: Path) -> None:
    hostile = {
        "text": b"no tar at all",
        "manifest": _tar({"manifest.json": b'{"format": 99}'}),
        "path": _tar({"manifest.json": _manifest(), "database": b"", "media/../../outside": b"x"}),
        "database": _tar({"manifest.json": _manifest(), "database": b"garbage"}),
    }
    with empty(tmp_path / "home") as shop:
        for name, content in hostile.items():
            archive = tmp_path / f"{name}.tar"
            archive.write_bytes(content)
            with pytest.raises(AssertionError, match="CommandError: "):
                shop.manage("restore", str(archive))
        with pytest.raises(AssertionError, match="exists already"):
            shop.manage("backup", str(tmp_path / "text.tar"))
        assert shop.count("SELECT count(*) FROM sqlite_master") == 0
    assert not (tmp_path / "outside").exists()


def _manifest() -> bytes:
    empty_sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    told = {"format": 1, "written_at": "", "vendor": "sqlite", "migrations": {}, "rows": {}, "files": 1}
    return json.dumps(told | {"database_sha256": empty_sha}).encode()


def _tar(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
