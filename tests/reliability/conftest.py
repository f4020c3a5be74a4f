"""What takes minutes runs only where it is asked for by its mark."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "endurance" in str(config.option.markexpr):
        return
    left_out = [item for item in items if item.get_closest_marker("endurance")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("endurance")]
