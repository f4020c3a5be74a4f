"""Histories from files, whatever is in them."""

import pytest

from recommend.evaluation.datasets import DatasetError, read_sequences


def test_items_become_rows_in_the_order_of_their_numbers(tmp_path):
    (tmp_path / "sequences.txt").write_text("1 50 7 50\n2 9\n\n")
    (tmp_path / "item_attributes.json").write_text('{"9": [3], "50": [1, 2], "1234": [8]}')
    data = read_sequences(tmp_path)
    assert data.items.keys.tolist() == [7, 9, 50]
    assert [history.tolist() for history in data.histories] == [[2, 0, 2], [1]]
    assert data.items.attributes.tolist() == [[0, 0], [3, 0], [1, 2]]


@pytest.mark.parametrize(
    ("text", "said"),
    [("1 2\n1 two\n", "line 2"), ("1 99999999999999999999999\n", "line 1"), ("\n\n", "empty"), ("1\n2\n", "empty")],
)
def test_a_bad_line_is_named(tmp_path, text, said):
    (tmp_path / "sequences.txt").write_text(text)
    with pytest.raises(DatasetError, match=said):
        read_sequences(tmp_path)


def test_a_folder_without_histories_says_what_is_wanted(tmp_path):
    with pytest.raises(DatasetError, match="one user a line"):
        read_sequences(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", '{"1": 5}', '{"x": [1]}', '{"2": [0]}', '{"2": [-4]}', '{"2": ["a"]}'])
def test_bad_attributes_are_refused(tmp_path, text):
    (tmp_path / "sequences.txt").write_text("1 2 3\n")
    (tmp_path / "item_attributes.json").write_text(text)
    with pytest.raises(DatasetError, match="item_attributes"):
        read_sequences(tmp_path)
