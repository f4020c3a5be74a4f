"""Synonyms as CSV."""

import pytest

from search.language.synonym_files import read, store, written
from search.language.synonyms import SynonymError
from search.models import Synonym

pytestmark = pytest.mark.django_db


def test_what_is_written_is_read_again_as_it_was():
    Synonym.objects.create(words="sofa, couch", language="en", note="=1+1", enabled=False)
    Synonym.objects.create(kind="one_way", words="sneaker", also="running shoe")
    file = written(Synonym.objects.order_by("id"))
    assert "'=1+1" in file  # no spreadsheet runs it
    again = read(file.encode())
    assert [(row.kind, row.words, row.also, row.language, row.enabled, row.note) for row in again] == [
        ("two_way", "sofa, couch", "", "en", False, "=1+1"),
        ("one_way", "sneaker", "running shoe", "", True, ""),
    ]
    assert store(again) == (0, 0)


def test_a_line_with_known_words_replaces_what_is_there(django_user_model):
    row = Synonym.objects.create(words="sofa, couch")
    author = django_user_model.objects.create_user("ann")
    assert store(read(b'words,enabled,from\n"Sofa, Couch",no,2030-01-02\ngrey;gray,,\n'), author) == (1, 1)
    row.refresh_from_db()
    assert not row.enabled
    assert f"{row.starts_at:%Y-%m-%d}" == "2030-01-02"
    assert Synonym.objects.get(words="grey, gray").author == author
    assert row.history.count() == 2


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b"", "first line"),
        (b"a,b\n1,2\n", "first line"),
        (b"words,colour\nx,y\n", "Unknown: colour"),
        (b"words\nsofa\n", "Line 2: Give two phrases"),
        (b"words,also\nsofa,sofa\n", "Line 2: Give what"),
        (b'words,kind\n"a, b",both\n', "Line 2: kind"),
        (b'words,enabled\n"a, b",perhaps\n', "Line 2: enabled"),
        (b'words,from\n"a, b",2026-02-31\n', "Line 2: .*no date"),
        (b'words,from\n"a, b",yesterday\n', "Line 2: .*no date"),
        (b'words\n"a, b\n', "cannot be read"),
        (b"words\n" + b'"a, b"\n' * 5001, "At most 5,000"),
        (b"x" * 1_000_001, "too large"),
        (b'words\n"a\x00, b"\n', "no text"),
    ],
)
def test_a_file_at_fault_is_refused_as_a_whole(data, sentence):
    with pytest.raises(SynonymError, match=sentence):
        read(data)
