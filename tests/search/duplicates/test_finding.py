"""Products that may be one are found when they change, once, and what people decided stands."""

import io

import pytest
from PIL import Image, ImageOps

from catalog import services
from catalog.models import Picture, Product
from catalog.pictures import add_picture
from search.duplicates import candidates, deciding, finding
from search.index.drain import drain
from search.models import DuplicateCheck, DuplicatePair
from tests import doubles
from tests.search.duplicates.test_likeness import shirt

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("vector_store", "quick_encoders")]


def file(image: Image.Image, format: str = "PNG", **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def sell(sku: str, title: str, picture: bytes | None = None, **fields: object) -> Product:
    codes = fields.pop("codes", None)
    product = Product(sku=sku, title=title, **{"status": "published", "price": 10, **fields})
    services.save_product(product, codes=codes)  # type: ignore[arg-type]
    if picture:
        add_picture(product, picture)
    return product


def find() -> finding.Found:
    report = drain()
    assert (report.failed, report.reason) == (0, ""), report
    return finding.find()


def pairs() -> dict[tuple[str, str], list[str]]:
    rows = DuplicatePair.objects.select_related("first", "second")
    return {(pair.first.sku, pair.second.sku): pair.reasons for pair in rows}


def test_the_same_picture_under_another_sku_is_found_however_it_was_saved():
    sell("A", "Printed shirt", file(shirt(1)))
    sell("B", "Shirt with a print", file(shirt(1), "JPEG", quality=40))
    sell("C", "Shirt, mirrored", file(ImageOps.mirror(shirt(1))))
    sell("D", "Printed shirt, other print", file(shirt(2)))
    sell("E", "A copy of the file", file(shirt(2)))
    found = find()
    assert pairs() == {
        ("A", "B"): ["picture"],
        ("A", "C"): ["picture"],
        ("B", "C"): ["picture"],
        ("D", "E"): ["picture"],
    }
    assert found.pairs == 4
    assert DuplicatePair.objects.get(first__sku="D").score >= 0.5


def test_a_product_that_is_listed_twice_is_more_likely_one_than_a_shared_picture():
    sell("A", "Printed shirt", file(shirt(1)))
    sell("B", "Printed shirt", file(shirt(1), "JPEG", quality=40))
    sell("C", "Something else entirely", file(shirt(1), "JPEG", quality=60))
    find()
    scores = {(pair.first.sku, pair.second.sku): pair.score for pair in DuplicatePair.objects.all()}
    assert scores["A", "B"] > 0.9 > scores["A", "C"]
    assert pairs()["A", "B"] == ["picture", "title"]


def test_without_pictures_words_or_an_ean_tell():
    sell("A", "Volt laptop 15 inch")
    sell("B", "Volt laptop, 15 inch")
    sell("C", "Volt laptop 13 inch")
    sell("D", "Toner black", codes={"ean": ["4006381333931"]})
    sell("E", "Cartridge for printers", codes={"ean": ["4006381333931"]})
    find()
    assert pairs() == {("A", "B"): ["title"], ("D", "E"): ["code"]}


def test_variants_and_what_is_not_for_sale_are_no_duplicates():
    sell("A", "Shirt", file(shirt(1)), family="shirt")
    sell("B", "Shirt", file(shirt(1)), family="shirt")
    sell("C", "Shirt", file(shirt(1)), status="draft")
    find()
    assert pairs() == {}


def test_a_picture_that_many_products_have_says_nothing():
    for number in range(candidates.MOST_SHARING + 2):
        sell(f"P{number}", f"Product {chr(97 + number) * 5}", file(shirt(9)))
    find()
    assert pairs() == {}


def test_only_what_changed_is_compared_again(monkeypatch):
    first = sell("A", "Printed shirt", file(shirt(1)))
    sell("B", "Other shirt", file(shirt(2)))
    assert find().checked == 2
    assert find().checked == 0
    first.stock = 3
    services.save_product(first)
    with monkeypatch.context() as patch:
        patch.setattr(finding, "candidates_of", lambda product: pytest.fail("a stock says nothing about what it is"))
        assert find().checked == 1
    Picture.objects.filter(product=first).delete()
    add_picture(first, file(shirt(2)))
    assert find() == finding.Found(checked=1, pairs=1)
    assert DuplicateCheck.objects.count() == 2


def test_what_is_not_indexed_yet_waits():
    sell("A", "Printed shirt", file(shirt(1)))
    find()
    sell("B", "Printed shirt", file(shirt(1)))
    assert finding.find().checked == 0
    assert find().pairs == 1


def test_a_pair_goes_when_its_picture_does_and_a_decision_stays():
    sell("A", "Printed shirt", file(shirt(1)))
    second = sell("B", "Shirt with a print", file(shirt(1)))
    find()
    Picture.objects.filter(product=second).delete()
    add_picture(second, file(shirt(2)))
    find()
    assert pairs() == {}
    Picture.objects.filter(product=second).delete()
    add_picture(second, file(shirt(1), "JPEG", quality=70))
    find()
    deciding.not_a_duplicate(DuplicatePair.objects.get())
    second.title = "Shirt with quite a print"
    services.save_product(second)
    assert find().pairs == 0
    assert DuplicatePair.objects.get().state == DuplicatePair.State.DIFFERENT


def test_a_missing_file_does_not_stop_the_others(monkeypatch):
    sell("A", "Printed shirt", file(shirt(1)))
    sell("B", "Shirt with a print", file(shirt(1), "JPEG", quality=40))
    sell("C", "Volt laptop")
    sell("D", "Volt laptop")
    drain()
    for picture in Picture.objects.all():
        picture.file.storage.delete(picture.file.name)
    assert finding.find().checked == 4
    assert pairs() == {("C", "D"): ["title"]}


def test_a_run_ends_in_time_and_goes_on_where_it_was():
    for number in range(3):
        sell(f"P{number}", f"Volt laptop {number}")
    drain()
    cut_short = finding.find(seconds=0)
    assert cut_short.out_of_time
    assert cut_short.checked + finding.find().checked == 3


# Decisions --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair() -> DuplicatePair:
    sell("A", "Volt laptop")
    sell("B", "Volt laptop")
    find()
    return DuplicatePair.objects.get()


def test_one_is_archived_and_the_other_stays(pair, django_user_model):
    person = django_user_model.objects.create_user("anna")
    deciding.archive_one(pair, pair.second, by=person)
    assert dict(Product.objects.values_list("sku", "status")) == {"A": "published", "B": "archived"}
    assert (pair.state, pair.decided_by) == (DuplicatePair.State.SAME, person)
    assert Product.objects.get(sku="B").history.first().history_change_reason == "Duplicate of A"
    with pytest.raises(deciding.DecisionError, match="meanwhile"):
        deciding.archive_one(pair, pair.first)
    assert Product.objects.get(sku="A").status == "published"


def test_both_become_one_family(pair):
    deciding.make_family(pair)
    assert set(Product.objects.values_list("family", flat=True)) == {"A"}
    assert find().pairs == 0


def test_two_families_are_not_mixed(pair):
    for product, family in ((pair.first, "x"), (pair.second, "y")):
        product.family = family
        services.save_product(product)
    with pytest.raises(deciding.DecisionError, match="family of their own"):
        deciding.make_family(pair)
    assert DuplicatePair.objects.get().state == DuplicatePair.State.OPEN


def test_only_one_of_the_pair_can_be_archived(pair):
    other = sell("C", "Something else")
    with pytest.raises(deciding.DecisionError):
        deciding.archive_one(pair, other)
    assert other.status == "published"


def test_the_encoder_is_not_asked(pair, monkeypatch):
    """Comparing takes stored vectors: the worker that does it need not load a network."""
    monkeypatch.setattr(doubles.HashedWords, "encode_text", lambda *args, **options: pytest.fail("encoded"))
    monkeypatch.setattr(doubles.HashedWordsAndColours, "encode_images", lambda *args: pytest.fail("encoded"))
    DuplicateCheck.objects.all().delete()
    assert finding.find().checked == 2
