"""Mapping networks, losses and likelihoods of the captioner."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from altlib.models.captioner import (
    CaptionerConfig,
    Example,
    MlpMapper,
    PrefixCaptioner,
    TransformerMapper,
    build_captioner,
    load_captioner,
)
from tests.conftest import ALTS, POSTS, small_gpt2


def test_the_mlp_mapper_is_clipcaps():
    """d_clip -> k d / 2 -> tanh -> k d, by hand."""
    mapper = MlpMapper(6, 4, 3)
    assert [tuple(p.shape) for p in mapper.parameters()] == [(6, 6), (6,), (12, 6), (12,)]
    x = torch.randn(2, 6)
    w1, b1, w2, b2 = mapper.parameters()
    torch.testing.assert_close(mapper(x), (torch.tanh(x @ w1.T + b1) @ w2.T + b2).view(2, 3, 4))


def test_the_transformer_mapper_gives_the_outputs_at_its_constants():
    torch.manual_seed(0)
    mapper = TransformerMapper(6, 8, 3, layers=2, heads=2).eval()
    x = torch.randn(2, 6)
    assert mapper(x).shape == (2, 3, 8)
    whole = mapper.transformer(torch.cat([mapper.linear(x).view(2, 3, 8), mapper.constants.expand(2, 3, 8)], 1))
    torch.testing.assert_close(mapper(x), whole[:, 3:])


def test_losses_at_alt_text_positions_agree_with_all_logits(captioner, features):
    """Our logits at target positions only, against the whole sequence one example at a time."""
    examples = [captioner.encode(p, a) for p, a in zip(POSTS, ALTS, strict=True)]
    losses, owners = captioner.token_losses(features, examples)
    for i, e in enumerate(examples):
        ids = torch.tensor([[*e.text, captioner.border, *e.alt_text, captioner.end]])
        logits = captioner.language_model(inputs_embeds=captioner.inputs(features[i : i + 1], ids)).logits[0]
        start = captioner.prefix_length + len(e.text)
        expected = F.cross_entropy(logits[start:-1], ids[0, len(e.text) + 1 :], reduction="none")
        torch.testing.assert_close(losses[owners == i], expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        captioner.log_likelihoods(features, examples),
        torch.stack([-losses[owners == i].sum() for i in range(len(examples))]).detach(),
    )


def test_every_token_counts_even_token_zero(captioner, features):
    """ClipCap's loss ignored token 0, a real token."""

    losses, _ = captioner.token_losses(features[:1], [Example([], [0, 5, 0])])
    assert len(losses) == 4 and (losses > 0).all()


def test_what_a_captioner_does_not_use_does_not_matter(tokenizer, features):
    torch.manual_seed(0)
    config = CaptionerConfig("random", clip_width=8, prefix_length=4, max_tokens=60)
    blind = PrefixCaptioner(dataclasses.replace(config, uses_image=False), tokenizer, small_gpt2(tokenizer)).eval()
    deaf = PrefixCaptioner(dataclasses.replace(config, uses_text=False), tokenizer, small_gpt2(tokenizer)).eval()
    assert blind.prefix_length == 0
    a, b = blind.encode("post", "a cup"), deaf.encode("post", "a cup")
    assert a.text and not b.text
    assert torch.equal(blind.log_likelihoods(features[:1], [a]), blind.log_likelihoods(features[1:2], [a]))
    assert not torch.equal(deaf.log_likelihoods(features[:1], [b]), deaf.log_likelihoods(features[1:2], [b]))
    with pytest.raises(ValueError, match="the image, the text or both"):
        PrefixCaptioner(
            dataclasses.replace(config, uses_image=False, uses_text=False), tokenizer, small_gpt2(tokenizer)
        )


def test_texts_are_cropped(captioner):
    example = captioner.encode("word " * 200_000, "x" * 1_000_000)
    assert len(example.text) == len(example.alt_text) == captioner.config.max_tokens


def test_texts_that_do_not_fit_the_model_are_refused(tokenizer):
    with pytest.raises(ValueError, match="256 positions .* needs 306; lower max_tokens"):
        PrefixCaptioner(
            CaptionerConfig("random", clip_width=8, prefix_length=4, max_tokens=150), tokenizer, small_gpt2(tokenizer)
        )


@pytest.mark.parametrize("mapper,trains_lm", [("mlp", True), ("transformer", False)])
def test_a_saved_captioner_is_the_same(tmp_path, features, mapper, trains_lm):
    config = CaptionerConfig(
        "miniature", clip_width=8, prefix_length=4, mapper=mapper, trains_lm=trains_lm, max_tokens=60
    )
    captioner = build_captioner(config, seed=3).eval()
    captioner.save(tmp_path)
    again = load_captioner(tmp_path)
    example = [captioner.encode("Brew day!", "Two growlers.")]
    assert torch.equal(captioner.log_likelihoods(features[:1], example), again.log_likelihoods(features[:1], example))
    assert (tmp_path / "language_model").exists() == trains_lm
