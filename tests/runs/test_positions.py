"""Whether posts and texts fit into the language model's positions."""

import json

import pytest
from huggingface_hub import constants

from altlib.core.errors import ParameterError
from altlib.generation.decoding import Decoding, decode
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.runs.book import read_parameters
from altlib.runs.positions import check_positions, positions_of
from tests.conftest import ROOT, small_gpt2


def values(model: str = "miniature", prefix_length: int = 10, max_tokens: int = 100, max_new_tokens: int = 80) -> dict:
    training = {"language_model": model, "prefix_length": prefix_length, "max_tokens": max_tokens}
    return {"training": training, "results-and-decoding": {"max_new_tokens": max_new_tokens}}


@pytest.fixture
def model(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"n_positions": 64}))
    return str(tmp_path)


def test_the_positions_are_those_of_the_models_own_file(model, tmp_path, monkeypatch):
    assert positions_of("miniature") == 384
    assert positions_of(model) == 64
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert positions_of("who/what") is None and positions_of("no/such/folder") is None
    repository = tmp_path / "hub" / "models--who--what"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("1")
    (repository / "snapshots" / "1").mkdir(parents=True)
    (repository / "snapshots" / "1" / "config.json").write_text(json.dumps({"max_position_embeddings": 2048}))
    assert positions_of("who/what") == 2048


def test_the_longest_text_that_fits_passes_and_one_token_more_does_not(model):
    check_positions(values(model, 4, 20, 40))
    with pytest.raises(ParameterError, match=r"^results-and-decoding\.max_new_tokens: 41 .* at most 40 new tokens"):
        check_positions(values(model, 4, 20, 41))
    check_positions(values(model, 4, 29, 1))
    with pytest.raises(ParameterError, match=r"^training\.max_tokens: 30 .* two texts of at most 29 tokens"):
        check_positions(values(model, 4, 30, 1))


def test_the_largest_numbers_that_pass_can_be_trained_and_decoded(tokenizer, features):
    language_model = small_gpt2(tokenizer)
    positions = language_model.config.n_positions
    language_model.generation_config.eos_token_id = None
    captioner = PrefixCaptioner(
        CaptionerConfig("random", clip_width=8, prefix_length=4, max_tokens=(positions - 6) // 2),
        tokenizer,
        language_model,
    ).eval()
    captioner.end = -1  # no text ends before its longest
    longest = positions - 4 - captioner.config.max_tokens
    post = "brew day " * positions
    settings = Decoding(beams=2, block_trigrams=False, max_tokens=longest)
    assert max(len(c.tokens) for c in decode(captioner, features[:1], [post], settings)[0]) == longest
    with pytest.raises(IndexError):
        decode(captioner, features[:1], [post], Decoding(beams=2, block_trigrams=False, max_tokens=longest + 1))


def test_a_book_without_these_chapters_is_not_checked():
    check_positions({"first": {"max_new_tokens": 100000}})


def test_a_parameter_file_that_asks_for_too_much_is_refused_before_anything_runs():
    with pytest.raises(ParameterError, match=r"at most 324 new tokens"):
        read_parameters(ROOT, ROOT / "params" / "smoke.yaml", ["results-and-decoding.max_new_tokens=325"])
    read_parameters(ROOT, ROOT / "params" / "smoke.yaml", ["results-and-decoding.max_new_tokens=324"])
