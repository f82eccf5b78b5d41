"""Beam search, against that of transformers."""

import copy
import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from altlib.generation.decoding import Decoding, decode, decode_once, forbidden_tokens, prompt_batch
from tests.device_spy import DEVICE, pretended_device


def by_transformers(captioner, features, post, how: Decoding) -> list[str]:
    """The same search by transformers' generate, one picture at a time."""
    example = captioner.encode(post)
    prompt, mask = prompt_batch(captioner, features[None], [example])
    out = captioner.language_model.generate(
        inputs_embeds=prompt,
        attention_mask=mask,
        num_beams=how.beams,
        num_return_sequences=how.beams,
        early_stopping=True,
        do_sample=False,
        max_new_tokens=how.max_tokens,
        no_repeat_ngram_size=3 if how.block_trigrams else 0,
        length_penalty=how.length_penalty,
        pad_token_id=captioner.tokenizer.pad_token_id,
        eos_token_id=captioner.end,
    )
    return [captioner.tokenizer.decode(row, skip_special_tokens=True).strip() for row in out]


@pytest.mark.parametrize("beams", [1, 2, 5])
@pytest.mark.parametrize("block", [False, True])
@pytest.mark.parametrize("penalty", [1.0, 0.0])
def test_beam_search_is_that_of_transformers(captioner, features, posts, beams, block, penalty):
    how = Decoding(beams=beams, block_trigrams=block, max_tokens=12, length_penalty=penalty, batch_size=4)
    ours = decode(captioner, features, posts, how, torch.float32)
    for i, post in enumerate(posts):
        assert [c.text for c in ours[i]] == by_transformers(captioner, features[i], post, how)


def ending(captioner):
    """Make the end likely, so that beams end at different steps."""
    with torch.no_grad():
        captioner.embedding.weight[captioner.end] *= 2.5
    return captioner


@pytest.mark.parametrize("beams", [1, 5])
def test_it_is_the_same_where_captions_end_early(captioner, features, posts, beams):
    captioner = ending(captioner)
    how = Decoding(beams=beams, max_tokens=25, batch_size=3)
    ours = decode(captioner, features, posts, how, torch.float32)
    for i, post in enumerate(posts):
        assert [c.text for c in ours[i]] == by_transformers(captioner, features[i], post, how)


def test_what_was_decoded_is_read_back(captioner, features, posts, tmp_path, monkeypatch):
    """Read back only for the same code, weights, posts, features, search and precision; a kill before the end leaves nothing half."""
    how = Decoding(beams=3, max_tokens=8)
    first = decode_once(captioner, features, posts, how, tmp_path)
    fresh = decode(captioner, features, posts, how)
    assert first == [[dataclasses.replace(c, tokens=()) for c in found] for found in fresh]
    others = [
        (captioner, features, posts, dataclasses.replace(how, beams=2)),
        (captioner, features.flip(0), posts, how),
        (captioner, features, posts[::-1], how),
    ]

    def killed(*args, **names):
        raise KeyboardInterrupt

    monkeypatch.setattr("altlib.generation.decoding.decode", killed)
    assert decode_once(captioner, features, posts, how, tmp_path) == first
    with monkeypatch.context() as changed, pytest.raises(KeyboardInterrupt):
        changed.setattr("altlib.generation.decoding.CODE", "another")
        decode_once(captioner, features, posts, how, tmp_path)
    with monkeypatch.context() as changed, pytest.raises(KeyboardInterrupt):
        other = torch.bfloat16 if captioner.precision == torch.float32 else torch.float32
        changed.setattr(type(captioner), "precision", other)
        decode_once(captioner, features, posts, how, tmp_path)
    with pretended_device(), pytest.raises(KeyboardInterrupt):
        decode_once(copy.deepcopy(captioner).to(DEVICE), features, posts, how, tmp_path)
    with torch.no_grad():
        next(captioner.parameters()).mul_(1.5)
    for other in [*others, (captioner, features, posts, how)]:
        with pytest.raises(KeyboardInterrupt):
            decode_once(*other, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_batch_does_not_matter(captioner, features, posts):
    results = [
        decode(captioner, features, posts, Decoding(beams=3, max_tokens=15, batch_size=b), torch.float32)
        for b in (1, 2, 7)
    ]
    for other in results[1:]:
        assert [[c.text for c in options] for options in results[0]] == [[c.text for c in options] for options in other]


def test_log_likelihoods_are_those_of_the_model(captioner, features, posts):
    captioner = ending(captioner)
    found = decode(captioner, features, posts, Decoding(beams=4, max_tokens=60), torch.float32)
    checked = 0
    for i, post in enumerate(posts):
        for c in found[i]:
            if len(c.tokens) < 60:  # one that ended by itself
                example = dataclasses.replace(captioner.encode(post), alt_text=list(c.tokens))
                expected = float(captioner.log_likelihoods(features[i : i + 1], [example]))
                assert c.log_likelihood == pytest.approx(expected, abs=1e-3)
                assert c.score == pytest.approx(c.log_likelihood / (len(c.tokens) + 1), abs=1e-5)
                checked += 1
    assert checked >= 5


@given(st.lists(st.integers(0, 3), min_size=0, max_size=14))
@settings(deadline=None)
def test_forbidden_tokens_are_those_that_repeat_a_trigram(history):
    rows, tokens = forbidden_tokens(torch.tensor([history], dtype=torch.long).view(1, -1))
    seen = {tuple(history[i : i + 3]) for i in range(len(history) - 2)}
    expected = {t for t in range(4) if len(history) >= 2 and (*history[-2:], t) in seen}
    assert set(tokens.tolist()) == expected and set(rows.tolist()) <= {0}


def trigram_repeats(tokens) -> bool:
    trigrams = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
    return len(set(trigrams)) < len(trigrams)


def test_trigram_blocking_leaves_no_repeated_trigram(captioner, features, posts):
    blocked = decode(captioner, features, posts, Decoding(beams=2, max_tokens=40), torch.float32)
    assert not any(trigram_repeats(c.tokens) for options in blocked for c in options)
    plain = decode(captioner, features, posts, Decoding(beams=1, block_trigrams=False, max_tokens=40), torch.float32)
    assert any(trigram_repeats(c.tokens) for options in plain for c in options)


def test_bfloat16_gives_captions_too(captioner, features, posts):
    found = decode(captioner, features, posts, Decoding(beams=3, max_tokens=8), torch.bfloat16)
    assert all(len(options) == 3 for options in found)
    assert captioner.embedding.weight.dtype == torch.float32


def test_the_same_search_twice_is_the_same(captioner, features, posts):
    how = Decoding(beams=5, max_tokens=15)
    assert decode(captioner, features, posts, how) == decode(captioner, features, posts, how)


@pytest.mark.parametrize("beams", [1, 3])
def test_beam_search_is_that_of_transformers_for_other_families_than_gpt2(other_family, features, posts, beams) -> None:
    how = Decoding(beams=beams, max_tokens=10, batch_size=4)
    ours = decode(other_family, features, posts, how, torch.float32)
    for i, post in enumerate(posts):
        assert [c.text for c in ours[i]] == by_transformers(other_family, features[i], post, how)
