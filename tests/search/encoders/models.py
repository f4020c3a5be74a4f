"""Small models made on the spot: random but seeded, saved the way real ones are."""

import json
from pathlib import Path
from typing import Any

import torch

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "red",
    "blue",
    "shoe",
    "shirt",
    "query",
    "passage",
    ":",
    "a",
    "b",
]


def bert_folder(
    folder: Path, pooling: str = "cls_token", prompts: dict[str, str] | None = None, dense: int = 0, **files: Any
) -> Path:
    """A BERT of two layers and 32 dimensions in the layout of sentence-transformers."""
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(vocab={word: place for place, word in enumerate(WORDS)}, model_max_length=64).save_pretrained(
        folder
    )
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"sentence_transformers.models.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    flags = {
        f"pooling_mode_{name}": name == pooling for name in ("cls_token", "mean_tokens", "max_tokens", "lasttoken")
    }
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32} | flags))
    if dense:
        (folder / "2_Dense").mkdir()
        options = {"in_features": 32, "out_features": dense, "bias": True}
        options["activation_function"] = "torch.nn.modules.activation.Tanh"
        (folder / "2_Dense" / "config.json").write_text(json.dumps(options))
        linear = torch.nn.Linear(32, dense)
        save_file(
            {"linear.weight": linear.weight.detach(), "linear.bias": linear.bias.detach()},
            folder / "2_Dense" / "model.safetensors",
        )
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts or {}}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 32, "do_lower_case": False}))
    return folder


def clip_folder(folder: Path) -> Path:
    """A CLIP of one layer a tower with seeded random weights, as a folder with configuration and safetensors."""
    import open_clip
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    towers = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
    }
    torch.manual_seed(2)
    model = open_clip.CLIP(**towers)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": towers, "preprocess_cfg": preprocess}))
    return folder
