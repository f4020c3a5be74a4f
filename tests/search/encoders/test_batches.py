"""Rows are cut into batches of few sizes, and none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from search.encoders.batches import portions


@given(st.integers(0, 500), st.integers(1, 64))
def test_rows_are_cut_into_batches_of_few_sizes(count: int, most: int) -> None:
    cut = list(portions(count, most))
    assert [row for each in cut for row in range(each.start, each.stop)] == list(range(count))
    sizes = [each.stop - each.start for each in cut]
    assert sizes == sorted(sizes, reverse=True)
    assert set(sizes) <= {most, most // 4, most // 16, most // 64, 1}


def test_a_batch_that_does_not_fit_is_cut_further() -> None:
    weights = [1] * 8 + [9] * 3
    cut = list(portions(len(weights), 8, lambda each: sum(weights[each]) <= 10))
    assert [(each.start, each.stop) for each in cut] == [(0, 8), (8, 9), (9, 10), (10, 11)]
