"""Pictures of products: stored once, attached once, thumbnailed once, and never lost to another product's removal."""

import io
import os
import threading
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from PIL import Image

from catalog import services
from catalog.models import OutboxEntry, Picture
from catalog.pictures import (
    PictureError,
    add_picture,
    make_thumbnails,
    near_duplicates,
    open_for_encoding,
    store,
    tidy,
    verify,
    write_atomically,
)

pytestmark = pytest.mark.django_db


def jpeg(size, colour="red", mode="RGB"):
    output = io.BytesIO()
    Image.new(mode, size, colour).save(output, "JPEG")
    return output.getvalue()


def made_old(*names):
    """As files are that nobody is writing rows for."""
    for name in names:
        os.utime(default_storage.path(name), (0, 0))


def test_a_picture_is_attached_last_and_marks_the_product(product, picture_bytes):
    row = product()
    OutboxEntry.objects.all().delete()
    version = row.version
    first = add_picture(row, picture_bytes(1), alt="front", source="a.png")
    second = add_picture(row, picture_bytes(2))
    assert [first.position, second.position] == [0, 1]
    assert (first.width, first.height, first.alt, first.source) == (64, 64, "front", "a.png")
    assert OutboxEntry.objects.filter(product_id=row.pk).exists()
    row.refresh_from_db()
    assert row.version == version + 2


def test_the_same_bytes_are_one_row_for_a_product_and_one_file_for_all(product, picture_bytes):
    one, other = product("A"), product("B")
    first = add_picture(one, picture_bytes(1))
    assert add_picture(one, picture_bytes(1)).pk == first.pk
    shared = add_picture(other, picture_bytes(1))
    assert shared.file.name == first.file.name
    services.delete_picture(first)
    assert default_storage.exists(shared.file.name)
    assert open_for_encoding(shared).size == (64, 64)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_about_to_be_shown_outlives_the_only_row_that_showed_it(product, picture_bytes):
    first = add_picture(product("A"), picture_bytes(1))
    made_old(first.file.name)
    verified = verify(picture_bytes(1))
    store(verified)  # by an import, whose row comes later
    services.delete_picture(first)
    assert default_storage.exists(verified.name)
    made_old(verified.name)
    assert tidy() == 1  # where it never came


def test_a_bad_picture_leaves_no_row_and_no_file(product):
    row = product()
    with pytest.raises(PictureError):
        add_picture(row, b"<svg/>")
    assert not Picture.objects.exists()
    assert not default_storage.exists("pictures")


def test_pictures_that_look_the_same_are_found(product, picture_bytes):
    row = product()
    first = add_picture(row, picture_bytes(1))
    image = Image.open(io.BytesIO(picture_bytes(1)))
    output = io.BytesIO()
    image.resize((128, 128)).save(output, "JPEG", quality=90)
    again = add_picture(row, output.getvalue())
    add_picture(row, jpeg((64, 64)))
    assert near_duplicates(first) == [again]


def test_thumbnails_are_made_once_in_three_sizes_and_never_enlarge(product, settings):
    picture = add_picture(product(), jpeg((900, 600)))
    names = make_thumbnails(picture)
    sizes = {}
    for size, name in names.items():
        with default_storage.open(name) as file, Image.open(file) as image:
            assert image.format == "WEBP"
            sizes[size] = image.size
    assert sizes == {"small": (160, 107), "medium": (480, 320), "large": (900, 600)}
    before = {name: default_storage.get_modified_time(name) for name in names.values()}
    assert make_thumbnails(picture) == names
    assert {name: default_storage.get_modified_time(name) for name in names.values()} == before
    picture.refresh_from_db()
    assert (picture.thumbnails, picture.thumbnail_error) == (names, "")


def test_a_thumbnail_keeps_transparency(product):
    output = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(output, "PNG")
    name = make_thumbnails(add_picture(product(), output.getvalue()))["small"]
    with default_storage.open(name) as file, Image.open(file) as image:
        assert image.convert("RGBA").getpixel((5, 5))[3] == 0


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_file_that_is_lost_or_damaged_is_noted_and_nothing_is_raised(product, harm):
    picture = add_picture(product(), jpeg((900, 600)))
    if harm == "missing":
        default_storage.delete(picture.file.name)
    else:
        write_atomically(default_storage, picture.file.name, b"\xff\xd8\xff\xe0broken")
    assert make_thumbnails(picture) == {}
    assert Picture.objects.values_list("thumbnail_error", flat=True).get(pk=picture.pk)
    with pytest.raises(PictureError):
        open_for_encoding(picture)


def test_for_encoding_a_photo_is_decoded_small_and_alpha_lies_on_white(product):
    photo = open_for_encoding(add_picture(product("A"), jpeg((2000, 1000))), 224)
    assert photo.mode == "RGB"
    assert 224 <= min(photo.size) < 448
    output = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(output, "PNG")
    assert open_for_encoding(add_picture(product("B"), output.getvalue())).getpixel((5, 5)) == (255, 255, 255)


def test_pictures_are_opened_from_several_threads(product, picture_bytes):
    pictures = [add_picture(product(f"T{seed}"), picture_bytes(seed, 300)) for seed in range(4)]
    expected = [open_for_encoding(picture).tobytes() for picture in pictures]
    found: list[list[bytes]] = []

    def read():
        found.append([open_for_encoding(picture).tobytes() for picture in pictures])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_a_rollback_leaves_a_file_that_tidy_removes_once_it_is_old(product, picture_bytes, settings):
    kept = add_picture(product("A"), picture_bytes(1))
    make_thumbnails(kept)
    row = product("B")
    with transaction.atomic():
        lost = add_picture(row, picture_bytes(2))
        transaction.set_rollback(True)
    assert not Picture.objects.filter(pk=lost.pk).exists()
    assert default_storage.exists(lost.file.name)
    assert tidy() == 0
    old = os.stat(default_storage.path(lost.file.name)).st_mtime - 7200
    for folder, _, files in os.walk(settings.MEDIA_ROOT):
        for file in files:
            os.utime(os.path.join(folder, file), (old, old))
    assert tidy(timedelta(hours=1)) == 1
    assert not default_storage.exists(lost.file.name)
    assert default_storage.exists(kept.file.name)
    assert all(default_storage.exists(name) for name in kept.thumbnails.values())


def test_a_file_that_a_crash_cut_off_is_written_again(product, picture_bytes):
    picture = verify(picture_bytes(1))
    path = default_storage.path(picture.name)
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as file:
        file.write(picture.data[:20])
    store(picture)
    with open(path, "rb") as file:
        assert file.read() == picture.data
