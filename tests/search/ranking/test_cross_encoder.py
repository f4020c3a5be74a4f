"""The stage that reads query and text together, with a model of a few numbers made here."""

import pytest

from search.query import SearchRequest, search
from search.query.configuration import configuration_of
from search.ranking import cross_encoder

pytestmark = pytest.mark.slow

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "chair", "office", "folding", "deck", "laptop", "seats", "nord"]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    """A BERT with two narrow layers and random weights, saved as the hub would give it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("cross-encoder")
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64, num_labels=1, initializer_range=1.0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(vocab={word: id for id, word in enumerate(WORDS)}, model_max_length=64).save_pretrained(folder)
    return folder


@pytest.fixture
def configured(shop, settings, tiny_model):
    settings.CROSS_ENCODER = str(tiny_model)
    settings.ENCODER_DEVICE = "cpu"
    cross_encoder._known.clear()
    return settings


def test_the_first_hits_are_in_the_models_order_and_explained(configured):
    hits = search(SearchRequest(q="chair", explain=True)).hits
    scores = [hit.explanation["cross_encoder"]["score"] for hit in hits]
    assert len(set(scores)) == len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_only_so_many_hits_are_read(configured):
    configured.CROSS_ENCODER_DEPTH = 2
    hits = search(SearchRequest(q="chair", explain=True)).hits
    assert ["cross_encoder" in hit.explanation for hit in hits] == [True, True, False]


def test_exact_codes_stay_in_front(configured):
    assert search(SearchRequest(q="LAPTOP-1")).hits[0].product.sku == "LAPTOP-1"


def test_what_was_read_is_not_read_again(configured, monkeypatch):
    first = [hit.product.sku for hit in search(SearchRequest(q="chair")).hits]
    monkeypatch.setattr(cross_encoder, "_model", lambda name: pytest.fail("It was read again."))
    assert [hit.product.sku for hit in search(SearchRequest(q="chair")).hits] == first


def test_it_is_off_until_a_model_is_named(configured):
    configured.CROSS_ENCODER = ""
    assert all("cross_encoder" not in hit.explanation for hit in search(SearchRequest(q="chair", explain=True)).hits)


def test_a_plain_configuration_goes_without(configured):
    asked = SearchRequest(q="chair", explain=True, configuration=configuration_of({"ranker": "none"}))
    assert all("cross_encoder" not in hit.explanation for hit in search(asked).hits)


def test_the_search_stands_where_the_model_cannot_be_loaded(configured, tmp_path):
    configured.CROSS_ENCODER = str(tmp_path / "nothing")
    result = search(SearchRequest(q="chair"))
    assert len(result.hits) == 3
    assert "learned" in result.query["degraded"][0]


def test_of_two_classes_the_last_one_is_relevance(tiny_model, monkeypatch, tmp_path):
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    config = BertConfig.from_pretrained(tiny_model, num_labels=2)
    model = BertForSequenceClassification(config)
    model.classifier.weight.data.zero_()
    model.classifier.bias.data = torch.tensor([0.0, 1.5])
    model.save_pretrained(tmp_path)
    BertTokenizerFast.from_pretrained(tiny_model).save_pretrained(tmp_path)
    assert cross_encoder._Model(str(tmp_path))("chair", ["office chair"]) == pytest.approx([1.5], abs=1e-4)
