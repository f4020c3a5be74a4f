"""BERT encoders read their models as sentence-transformers does."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.encoders.base import EncoderError
from search.encoders.bert import BertEncoder, read_config
from tests.search.encoders.models import bert_folder

TEXTS = ["red shoe", "blue", "shirt a b red red blue", ""]


def build(folder: Path, **options: Any) -> BertEncoder:
    return BertEncoder(str(folder), device="cpu", runtime="torch", **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        {"pooling": "cls_token"},
        {"pooling": "mean_tokens"},
        {"pooling": "lasttoken"},
        {"pooling": "cls_token", "dense": 12},
    ],
    ids=lambda recipe: "+".join(map(str, recipe.values())),
)
def test_equals_sentence_transformers(recipe: dict[str, Any], tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    prompts = {"query": "query : ", "passage": "passage : "}
    folder = bert_folder(tmp_path / "tiny", prompts=prompts, **recipe)
    encoder, peer = build(folder), SentenceTransformer(str(folder), device="cpu")
    np.testing.assert_allclose(encoder.encode_text(TEXTS), peer.encode(TEXTS, prompt_name="passage"), atol=1e-5)
    np.testing.assert_allclose(
        encoder.encode_text(TEXTS, query=True), peer.encode(TEXTS, prompt_name="query"), atol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("intfloat/multilingual-e5-small", "query: ", "passage: "),
        ("intfloat/e5-base-v2", "query: ", "passage: "),
        ("BAAI/bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("sentence-transformers/all-MiniLM-L6-v2", "", ""),
    ],
)
def test_prefixes_of_kinds_that_do_not_name_them(name: str, query: str, passage: str, tmp_path: Path) -> None:
    config = read_config(tmp_path, name)
    assert (config.pooling, config.query_prefix, config.passage_prefix) == ("mean", query, passage)


def test_prompts_of_the_model_go_before_those_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "ask ", "document": ""}})
    )
    config = read_config(tmp_path, "intfloat/e5-base-v2")
    assert (config.query_prefix, config.passage_prefix) == ("ask ", "")


def test_a_part_that_is_not_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.CNN", "path": "1_CNN"}]))
    with pytest.raises(EncoderError, match="unknown kind, 'CNN'") as caught:
        read_config(tmp_path)
    assert caught.value.permanent


def test_pooling_that_is_not_known_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(EncoderError, match="Pooling by max"):
        build(folder)


def test_pickled_weights_are_not_loaded(tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="no safetensors weights") as caught:
        build(folder)
    assert caught.value.permanent


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no model folder"):
        build(tmp_path / "absent")


def test_model_id_changes_with_whatever_changes_vectors(tiny_bert: Path, tmp_path: Path) -> None:
    ids = {
        build(tiny_bert, **options).model_id
        for options in ({}, {"pooling": "mean"}, {"query_prefix": "a "}, {"max_length": 8})
    }
    copy = shutil.copytree(tiny_bert, tmp_path / "tiny")
    assert build(copy).model_id in ids
    from safetensors.torch import load_file, save_file

    state = load_file(copy / "model.safetensors")
    state["embeddings.LayerNorm.bias"] += 0.01
    save_file(state, copy / "model.safetensors", metadata={"format": "pt"})
    ids.add(build(copy).model_id)
    assert len(ids) == 5


def test_knows_the_words_that_are_tokens_of_their_own(tmp_path: Path) -> None:
    words = build(bert_folder(tmp_path / "tiny")).words()
    assert words == ["red", "blue", "shoe", "shirt", "query", "passage", "a", "b"], "no marks, the most frequent first"
