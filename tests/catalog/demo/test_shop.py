"""The demo shop as it is built from the real packages."""

import json
import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import imagehash
import pytest
from django.utils.text import slugify
from PIL import Image

from catalog.demo import assortment, colours, packages, pictures, shop

pytestmark = pytest.mark.slow
TODAY = date(2026, 3, 17)


@pytest.fixture(scope="module")
def fetched(request: pytest.FixtureRequest) -> Path:
    """The npm packages, kept between runs."""
    folder = Path(request.config.cache.mkdir("demo-packages"))
    try:
        packages.fetch(folder)
    except packages.PackageError as error:
        if error.permanent:
            raise
        pytest.skip(str(error))
    return folder


@pytest.fixture(scope="module")
def built(fetched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "shop"
    heard: list[tuple[int, int]] = []
    shop.build(folder, fetched, today=TODAY, progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (731, 731)
    return folder


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def products(built: Path) -> list[dict]:
    return read(built / "products.jsonl")


@pytest.fixture(scope="module")
def families(products: list[dict]) -> dict[str, list[dict]]:
    found = defaultdict(list)
    for product in products:
        if product["family"]:
            found[product["family"]].append(product)
    return found


def test_skus_codes_and_titles_are_unique(products):
    for key in ("sku", "title", "mpn"):
        repeated = [value for value, times in Counter(product[key] for product in products).items() if times > 1]
        assert repeated == [], key
    codes = [code for product in products for code in product["ean"]]
    assert len(set(codes)) == len(codes)
    skus = [variant["sku"] for product in products for variant in product["variants"]]
    assert len(set(skus)) == len(skus)
    assert not set(skus) & {product["sku"] for product in products}
    assert len({slugify(product["title"]) for product in products}) == len(products)


def test_each_category_brand_and_store_has_products(products):
    assert {product["category"] for product in products} == {item.category for item in assortment.items()}
    assert {product["brand"] for product in products} == {brand.name for brand in assortment.brands()}
    assert {product["store"] for product in products} == {store.name for store in assortment.stores()}


def test_prices_stock_and_dates_are_a_shops(products):
    for product in products:
        price = Decimal(product["price"])
        assert price > 0
        if product["compare_at_price"] is not None:
            assert Decimal(product["compare_at_price"]) > price
        assert all(Decimal(variant["price"]) >= price for variant in product["variants"])
        assert date(2024, 3, 1) <= date.fromisoformat(product["released"]) <= TODAY
    assert 0.1 < sum(product["compare_at_price"] is not None for product in products) / len(products) < 0.3
    assert 0.03 < sum(product["stock"] == 0 for product in products) / len(products) < 0.15
    new = sum(date.fromisoformat(product["released"]).isoformat() > "2026-02-01" for product in products)
    assert new > 30


def test_titles_are_translated(products):
    for product in products:
        assert {"de", "fr", "es", "it", "ja", "zh"} <= product["translations"].keys(), product["sku"]
        assert all(entry["title"] for entry in product["translations"].values())


def test_a_family_is_one_product_in_different_colours(families):
    assert 140 <= len(families) <= 250
    for family, members in families.items():
        told = [member["attributes"]["colour"] for member in members]
        assert 2 <= len(set(told)) == len(told) <= 5, family
        for member in members:
            assert member["title"].endswith(f", {member['attributes']['colour']}")
        for key in ("brand", "store", "category", "price"):
            assert len({member[key] for member in members}) == 1, (family, key)
        assert len({re.sub(r", [a-z]+$", "", member["title"]) for member in members}) == 1


def test_the_pictures_show_the_colour_that_is_told(families, built):
    """Measured again in the finished shot, on its inner part where the ground takes less room."""
    right = wrong = 0
    for members in families.values():
        for member in members:
            with Image.open(built / member["images"][0]["file"]) as opened:
                inner = opened.convert("RGBA")
            rgb = [tuple(pixel) for pixel in inner.resize((64, 64)).convert("RGB").getdata()]
            vivid = [pixel for pixel in rgb if max(pixel) - min(pixel) > 36]
            swatch = Image.new("RGBA", (len(vivid), 1))
            swatch.putdata([(*pixel, 255) for pixel in vivid])
            if colours.measure(swatch).name == member["attributes"]["colour"]:
                right += 1
            else:
                wrong += 1
    assert right / (right + wrong) > 0.9


def test_each_picture_opens_and_is_used_once(products, built):
    named = [image["file"] for product in products for image in product["images"]]
    on_disk = {path.relative_to(built).as_posix() for path in (built / "images").iterdir()}
    assert len(set(named)) == len(named)
    assert set(named) == on_disk
    for name in named:
        with Image.open(built / name) as picture:
            picture.load()
            assert picture.size == (pictures.SIZE, pictures.SIZE)
    assert sum(path.stat().st_size for path in (built / "images").iterdir()) < 40_000_000


def test_a_second_view_is_another_picture_to_a_perceptual_hash(products, built):
    galleries = [product["images"] for product in products if len(product["images"]) > 1]
    assert len(galleries) > 200
    for gallery in galleries:
        hashes = [imagehash.phash(Image.open(built / image["file"])) for image in gallery]
        assert hashes[0] - hashes[1] > 4, gallery


def test_offers_run_expire_and_come(built, products):
    skus = {product["sku"] for product in products}
    now = datetime.fromisoformat("2026-03-17T12:00:00+00:00")
    states = Counter()
    for promotion in read(built / "promotions.jsonl"):
        starts, ends = (datetime.fromisoformat(promotion[key]) for key in ("starts_at", "ends_at"))
        states["upcoming" if starts > now else "expired" if ends < now else "running"] += 1
        assert set(promotion["products"]) <= skus
        assert promotion["categories"] or promotion["brands"] or promotion["products"]
    assert states["running"] >= 4
    assert states["expired"] >= 1
    assert states["upcoming"] >= 1
    for collection in read(built / "collections.jsonl"):
        assert len(collection["skus"]) >= 8
        assert set(collection["skus"]) <= skus


def test_the_same_seed_gives_the_same_bytes_and_another_one_another_shop(fetched, tmp_path, monkeypatch):
    offered = {
        label for entries in assortment.offers().values() for entry in entries for label in entry.get("labels", [])
    }
    some = tuple(item for item in assortment.items() if item.label in offered)
    monkeypatch.setattr(assortment, "items", lambda: some)

    def bytes_of(name: str, seed: int, day: date) -> dict[str, bytes]:
        shop.build(tmp_path / name, fetched, seed, today=day, processes=1)
        return {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}

    first = bytes_of("first", 7, TODAY)
    assert first == bytes_of("second", 7, date(2026, 3, 22))
    assert first["products.jsonl"] != bytes_of("first", 8, TODAY)["products.jsonl"]


@pytest.mark.parametrize("day", [date(2026, 3, 16), date(2026, 3, 22), date(2026, 11, 30)])
def test_whatever_day_it_is_dates_count_from_a_day_of_this_week(day):
    assert shop.monday_of(day) <= day < shop.monday_of(day) + timedelta(days=7)
    assert shop.monday_of(day).weekday() == 0


def test_a_directory_with_something_else_is_not_touched(fetched, tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(shop.ShopError, match="not empty"):
        shop.build(tmp_path, fetched)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_without_packages_the_message_says_so(tmp_path):
    with pytest.raises(packages.PackageError, match="fetch them first"):
        shop.build(tmp_path / "shop", tmp_path / "nothing")
    assert not (tmp_path / "shop").exists()
