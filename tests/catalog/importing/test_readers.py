"""Files in any of the ways that shops write them; what cannot be read is named, and reading goes on behind it."""

import contextlib
import csv
import gzip
import io
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.importing.readers import MAX_LINE, Source, SourceError, open_source


def source(data, name="products.csv", **options):
    return Source(name, lambda: io.BytesIO(data), size=len(data), **options)


def read(data, name="products.csv", **options):
    return list(source(data, name, **options).rows())


def values(rows):
    return [row.values for row in rows]


TABLE = "sku,title\n1,Käse\n2,Brot\n"
EXPECTED = [{"sku": "1", "title": "Käse"}, {"sku": "2", "title": "Brot"}]


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-32"),
        (b"\xfe\xff" + TABLE.encode("utf-16-be")),
        TABLE.encode("utf-16-le"),
        TABLE.encode("cp1252"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.replace("\n", "\n\n").encode(),
        TABLE.rstrip().encode(),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode(),
        TABLE.replace(",", "|").encode(),
        TABLE.replace("Käse", '"Käse"').encode(),
    ],
)
def test_encoding_line_ends_and_delimiter_are_found_out(data):
    assert values(read(data)) == EXPECTED


def test_a_line_in_another_encoding_is_read_and_said(tmp_path):
    data = "sku,title\n1,Käse\n".encode() + "2,Möhre\n".encode("cp1252") + b"3,\x81\x8d\n" + b"4,plain\n"
    rows = read(data)
    assert [row.values.get("title") for row in rows] == ["Käse", "Möhre", None, "plain"]
    assert "Windows-1252" in rows[1].warning
    assert "neither UTF-8 nor Windows-1252" in rows[2].problem
    assert [row.line for row in rows] == [2, 3, 4, 5]


def test_an_encoding_can_be_named_and_must_exist():
    assert values(read("sku,title\n1,Dvořák\n".encode("cp1250"), encoding="cp1250")) == [
        {"sku": "1", "title": "Dvořák"}
    ]
    with pytest.raises(SourceError, match="not the name of an encoding"):
        read(b"sku\n1\n", encoding="klingon")


@pytest.mark.parametrize("name", ["products.tsv", "products.tab"])
def test_a_tsv_keeps_its_commas(name):
    assert values(read(b"sku\ttitle\n1\ta, b\n", name)) == [{"sku": "1", "title": "a, b"}]


def test_quoted_cells_hold_lines_quotes_and_delimiters_and_the_line_is_the_first_one():
    rows = read(b'sku,title\n1,"a\nb ""c"", d"\n2,plain\n3,12" disc\n')
    assert values(rows) == [
        {"sku": "1", "title": 'a\nb "c", d'},
        {"sku": "2", "title": "plain"},
        {"sku": "3", "title": '12" disc'},
    ]
    assert [row.line for row in rows] == [2, 4, 5]


def test_a_quotation_mark_that_is_not_closed_costs_its_line_alone():
    rows = read(b'sku,title\n1,"never closed\n2,two\n3,three\n4,"fine"\n5,"again open\n6,six\n')
    assert [row.values.get("sku") for row in rows] == [None, "2", "3", "4", None, "6"]
    assert "not closed" in rows[0].problem
    assert "not closed" in rows[4].problem


def test_rows_of_another_length_are_named_and_empty_cells_at_the_end_are_not():
    rows = read(b"sku,title\n1,a,b\n2\n3,c,,\n4,d\n")
    assert [row.values.get("sku") for row in rows] == [None, None, "3", "4"]
    assert "3 cells" in rows[0].problem
    assert "1 cells" in rows[1].problem


def test_a_field_of_ten_megabytes_costs_its_row_and_not_the_memory():
    rows = read(b"sku,title\n1,a\n2," + b"x" * 10_000_000 + b"\n3,c\n")
    assert [row.values.get("sku") for row in rows] == ["1", None, "3"]
    assert f"more than {MAX_LINE:,} characters" in rows[1].problem
    lines = b'{"sku": "1"}\n{"sku": "' + b"y" * 10_000_000 + b'"}\n{"sku": "3"}\n'
    assert [bool(row.problem) for row in read(lines, "products.jsonl")] == [False, True, False]


def test_a_header_that_names_a_column_twice_is_refused():
    with pytest.raises(SourceError, match="twice: price"):
        read(b"sku,price,price\n1,2,3\n")


def test_broken_json_lines_are_named_one_by_one():
    data = b'{"sku": "1"}\n{"sku": \n[1]\n"text"\n{"price": NaN}\nnull\n\n{"sku": "2"}\n' + b"[" * 5000 + b"\n"
    rows = read(data, "products.ndjson")
    assert [row.values.get("sku") for row in rows if not row.problem] == ["1", "2"]
    assert [row.line for row in rows] == [1, 2, 3, 4, 5, 6, 8, 9]
    assert "not JSON" in rows[1].problem
    assert "a list" in rows[2].problem
    assert "not JSON" in rows[4].problem
    assert "null" in rows[5].problem


def test_an_array_is_read_element_by_element():
    items = [{"sku": str(number), "title": "x" * 3000} for number in range(100)]
    assert values(read(json.dumps(items, indent=1).encode(), "products.json")) == items
    assert values(read(b"[]", "products.json")) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"products": []}', "one list"),
        (b'[{"sku": "1"}, {"sku": ', "Element 2"),
        (b'[{"sku": "1"}, {"price": NaN}]', "Element 2"),
        (b'[{"sku": "1"}', "without its bracket"),
        (b"", "one list"),
    ],
)
def test_a_broken_array_says_where(data, reason):
    with pytest.raises(SourceError, match=reason):
        read(data, "products.json")


@pytest.mark.parametrize("name", ["products.csv.gz", "products.jsonl.gz"])
def test_a_compressed_file_that_is_cut_off_gives_what_came_before_and_then_says_so(name):
    row = {"sku": "1", "title": "x"}
    lines = [f"{n},t{n}" for n in range(20_000)] if "csv" in name else [json.dumps(row)] * 20_000
    data = gzip.compress("\n".join(["sku,title", *lines] if "csv" in name else lines).encode())
    rows = iter(source(data[: len(data) // 2], name).rows())
    assert next(rows).values
    with pytest.raises(SourceError, match="cut off or damaged"):
        list(rows)
    with pytest.raises(SourceError, match="cut off or damaged"):
        read(b"not gzip at all", name)


def test_a_directory_holds_one_catalogue(tmp_path):
    with pytest.raises(SourceError, match="found: none"):
        open_source(tmp_path)
    (tmp_path / "products.jsonl.gz").write_bytes(gzip.compress(b'{"sku": "1"}\n'))
    (tmp_path / "products.md").write_text("not one")
    opened = open_source(tmp_path)
    assert opened.root == tmp_path
    assert values(opened.rows()) == [{"sku": "1"}]
    assert values(opened.rows()) == [{"sku": "1"}]  # again from the start
    (tmp_path / "products.csv").write_text("sku\n")
    with pytest.raises(SourceError, match=r"found: products\.csv, products\.jsonl\.gz"):
        open_source(tmp_path)


@pytest.mark.parametrize("name", ["products.xlsx", "products", "products.gz"])
def test_a_file_of_another_kind_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SourceError, match="none of"):
        open_source(tmp_path / name)
    with pytest.raises(SourceError, match="does not exist"):
        open_source(tmp_path / "absent.csv")


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff\r"), max_size=20)


@settings(max_examples=80)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_whatever_the_csv_module_writes_is_read_back(rows, delimiter):
    output = io.StringIO()
    writer = csv.writer(output, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["sku", "title"])
    writer.writerows(rows)
    found = read(output.getvalue().encode(), delimiter=delimiter)
    assert [tuple(row.values.values()) for row in found] == rows


@settings(max_examples=80)
@given(st.binary(max_size=300), st.sampled_from(["p.csv", "p.tsv", "p.jsonl", "p.json", "p.csv.gz"]))
def test_no_bytes_raise_anything_but_a_source_error(data, name):
    for content in (data, b"sku,title\n" + data, b'{"sku": "1"}\n' + data, b"[" + data):
        with contextlib.suppress(SourceError):
            assert all(isinstance(row.values, dict) for row in read(content, name))


LEAF = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text("abcäöß日本 \\\"'{}[],:", max_size=8)


@given(st.lists(st.dictionaries(st.text("abc日", max_size=5), LEAF, max_size=4), max_size=6))
def test_objects_survive_both_ways_of_writing_json(items):
    assert values(read(b"\n".join(map(orjson.dumps, items)), "p.jsonl")) == items
    assert values(read(orjson.dumps(items), "p.json")) == items
