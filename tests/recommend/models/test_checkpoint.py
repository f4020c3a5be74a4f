"""The state of a training on disk."""

import numpy as np
import pytest

from recommend.models.checkpoint import FILE, Checkpoint, whole


def test_what_was_saved_last_is_loaded(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c")
    assert checkpoint.load() is None
    for epoch in (1, 2):
        checkpoint.save({"weights": np.full((2, 3), epoch, np.float32)}, {"epoch": epoch, "random": {"state": 2**100}})
    state, meta = Checkpoint(tmp_path / "c").load()
    assert meta == {"epoch": 2, "random": {"state": 2**100}}
    assert state["weights"].tolist() == [[2.0] * 3] * 2
    assert [file.name for file in (tmp_path / "c").iterdir()] == [FILE]
    checkpoint.clear()
    assert checkpoint.load() is None


def test_a_kill_while_saving_leaves_the_state_before(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save({"a": np.zeros(3)}, {"epoch": 1})
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save({"a": np.ones(3)}, {"epoch": 2})
    assert checkpoint.load()[1] == {"epoch": 1}


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_file_is_no_checkpoint(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    assert Checkpoint(tmp_path).load() is None


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    def half(folder):
        (folder / "one").write_text("1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        whole(tmp_path / "f", half)
    assert not (tmp_path / "f").exists()
    whole(tmp_path / "f", lambda folder: (folder / "two").write_text("2"))
    assert [file.name for file in (tmp_path / "f").iterdir()] == ["two"]
