import dataclasses
import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from transformers import GPT2Config, GPT2Model

from altlib.models.captioner import (
    CaptionerConfig,
    Example,
    MlpMapper,
    PrefixCaptioner,
    TransformerMapper,
    build_captioner,
    load_captioner,
)
from altlib.models.last_block import hidden_states_at, is_plain_gpt2
from altlib.training.captions import TrainingSettings, data_fingerprint, example_losses, train, validation_loss
from altlib.training.examples import CaptionData, Examples, bucketed_batches, encode_posts, example_length
from tests.conftest import POSTS, small_gpt2

ALTS = [
    "Two growlers on a red cloth.",
    "a mug",
    "A map of the town, in blue, with a dog to the left of it.",
    "cup",
    "",
    "x y z",
    "A tall ship at sea.",
]


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


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_last_block_where_it_is_read_agrees_with_the_whole_model(share):
    """States and gradients, where rows want none, some or all of their positions."""
    torch.manual_seed(1)
    config = GPT2Config(
        vocab_size=20, n_positions=32, n_embd=24, n_layer=3, n_head=3, resid_pdrop=0, attn_pdrop=0, embd_pdrop=0,
        scale_attn_by_inverse_layer_idx=True, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = GPT2Model(config).train()
    assert is_plain_gpt2(model)
    embedded = torch.randn(4, 13, 24, requires_grad=True)
    wanted = torch.rand(4, 13) < share
    wanted[0], wanted[1] = False, True
    learning = [embedded, *(p for n, p in model.named_parameters() if n != "wte.weight")]
    whole = model(inputs_embeds=embedded, use_cache=False)[0][wanted]
    weights = torch.randn_like(whole)
    expected = torch.autograd.grad((whole * weights).sum(), learning)
    states = hidden_states_at(model, embedded, wanted)
    torch.testing.assert_close(states, whole)
    for ours, theirs in zip(torch.autograd.grad((states * weights).sum(), learning), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(hidden_states_at(model, embedded, wanted).float(), whole, atol=0.1, rtol=0.1)


def test_another_kind_of_model_computes_every_position():
    model = GPT2Model(GPT2Config(vocab_size=20, n_positions=32, n_embd=24, n_layer=2, n_head=3, bos_token_id=0))
    model.set_attn_implementation("eager")
    model.eval()
    assert not is_plain_gpt2(model)
    embedded, wanted = torch.randn(2, 5, 24), torch.eye(2, 5).bool()
    torch.testing.assert_close(
        hidden_states_at(model, embedded, wanted), model(inputs_embeds=embedded).last_hidden_state[wanted]
    )


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
    from altlib.models.captioner import Example

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


@pytest.mark.parametrize("n,batch", [(1, 4), (103, 10), (1000, 32)])
def test_batches_hold_every_row_once_and_similar_lengths(n, batch):
    lengths = [(i * 37) % 150 for i in range(n)]
    batches = bucketed_batches(lengths, batch, seed=1, epoch=2)
    assert sorted(i for b in batches for i in b) == list(range(n))
    assert batches == bucketed_batches(lengths, batch, seed=1, epoch=2)
    if n > 100:
        assert batches != bucketed_batches(lengths, batch, seed=1, epoch=3)
        padding = sum(max(lengths[i] for i in b) * len(b) - sum(lengths[i] for i in b) for b in batches)
        assert padding < 0.25 * sum(lengths)


def data_for(captioner, n=40):
    torch.manual_seed(5)
    feats = F.normalize(torch.randn(n, 8), dim=-1)
    return encode_posts(captioner, feats, [POSTS[i % 7] for i in range(n)], [ALTS[i % 7] for i in range(n)])


def new_captioner(**changes):
    return build_captioner(
        CaptionerConfig("miniature", clip_width=8, prefix_length=2, max_tokens=30, **changes), seed=0
    )


def test_training_learns_and_repeats_exactly(tmp_path):
    settings = TrainingSettings(epochs=3, batch_size=8, learning_rate=3e-3, seed=1)
    curves = []
    for run in ("a", "b"):
        captioner = new_captioner()
        data = data_for(captioner)
        before = validation_loss(captioner.eval(), data, 8, torch.float32)
        captioner, curve = train(captioner, data, data, settings, tmp_path / run, run, "cpu")
        assert curve["validation_loss"].min() < before
        curves.append(curve)
    assert curves[0][["training_loss", "validation_loss"]].equals(curves[1][["training_loss", "validation_loss"]])


def test_a_killed_training_goes_on_exactly(tmp_path, monkeypatch):
    """Stop in the middle of the second epoch, start again: the same weights and curve as undisturbed."""
    settings = TrainingSettings(epochs=3, batch_size=8, learning_rate=3e-3, seed=1)
    undisturbed, curve = train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path / "a", "a", "cpu")
    monkeypatch.setattr("altlib.training.captions.SAVE_EVERY", 2)
    from altlib.training import captions

    calls = 0
    update = captions.update

    def killed(*args):
        nonlocal calls
        calls += 1
        if calls == 9:
            raise KeyboardInterrupt
        return update(*args)

    monkeypatch.setattr(captions, "update", killed)
    with pytest.raises(KeyboardInterrupt):
        train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path / "b", "b", "cpu")
    monkeypatch.setattr(captions, "update", update)
    resumed, again = train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path / "b", "b", "cpu")
    assert curve[["training_loss", "validation_loss"]].equals(again[["training_loss", "validation_loss"]])
    for a, b in zip(undisturbed.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not (tmp_path / "b" / "checkpoint.pt").exists()


def test_a_finished_training_is_not_repeated_and_a_changed_one_is(tmp_path, monkeypatch):
    settings = TrainingSettings(epochs=1, batch_size=8, seed=1)
    train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path, "x", "cpu")

    from altlib.training import captions

    monkeypatch.setattr(captions, "update", lambda *a: pytest.fail("trained again"))
    train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path, "x", "cpu")
    longer = dataclasses.replace(settings, epochs=2)
    with pytest.raises(pytest.fail.Exception):
        train(new_captioner(), *[data_for(new_captioner())] * 2, longer, tmp_path, "x", "cpu")
    monkeypatch.setattr(captions, "CODE", "another")
    with pytest.raises(pytest.fail.Exception):
        train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path, "x", "cpu")


def test_the_losses_of_examples_are_their_likelihoods_and_add_up(captioner):
    data = data_for(captioner)
    losses = example_losses(captioner, data, 3, torch.float32)
    features, examples = data.batch(list(range(len(data))))
    torch.testing.assert_close(losses[:, 0].float(), -captioner.log_likelihoods(features, examples))
    assert losses[:, 1].tolist() == [len(e.alt_text) + 1 for e in examples]  # with the end
    total, tokens = losses.sum(0).tolist()
    assert validation_loss(captioner, data, 5, torch.float32) == pytest.approx(total / tokens, rel=1e-5)


def test_early_stopping_keeps_the_best_epoch(tmp_path):
    captioner = new_captioner()
    data = data_for(captioner)
    held_out = encode_posts(
        captioner,
        data.features[:5],
        ["nothing alike"] * 5,
        ["zebra xylophone quartz", "jump", "vex", "waltz nymph", "fjord"],
    )
    settings = TrainingSettings(epochs=40, batch_size=8, learning_rate=1e-2, patience=2)
    captioner, curve = train(captioner, data, held_out, settings, tmp_path, "x", "cpu")
    assert len(curve) < 40
    assert len(curve) - curve.loc[curve["validation_loss"].idxmin(), "epoch"] == 2
    assert validation_loss(captioner, held_out, 8, torch.float32) == pytest.approx(
        curve["validation_loss"].min(), abs=1e-5
    )
    assert (
        json.loads((tmp_path / "curve.json").read_text())["best_epoch"]
        == curve.loc[curve["validation_loss"].idxmin(), "epoch"]
    )


def test_micro_batches_give_the_same_update(tmp_path):
    settings = TrainingSettings(epochs=1, batch_size=8, learning_rate=1e-3)
    curves = []
    for size in (0, 3):
        captioner = new_captioner()
        for module in captioner.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        data = data_for(captioner)
        _, curve = train(
            captioner, data, data, dataclasses.replace(settings, micro_batch=size), tmp_path / str(size), "x", "cpu"
        )
        curves.append(curve)
    assert curves[0]["validation_loss"].iloc[-1] == pytest.approx(curves[1]["validation_loss"].iloc[-1], abs=1e-4)


def test_a_frozen_language_model_stays_as_it_was(tmp_path):
    captioner = new_captioner(trains_lm=False, mapper="transformer")
    before = {n: p.clone() for n, p in captioner.language_model.named_parameters()}
    data = data_for(captioner)
    train(captioner, data, data, TrainingSettings(epochs=1, batch_size=8), tmp_path, "x", "cpu")
    assert all(torch.equal(p, before[n]) and p.grad is None for n, p in captioner.language_model.named_parameters())


def test_nothing_to_train_on_is_an_error(tmp_path):
    captioner = new_captioner()
    with pytest.raises(ValueError, match="0 training and 0 validation examples"):
        train(captioner, *[CaptionData(torch.zeros(0, 8), Examples([]))] * 2, TrainingSettings(), tmp_path, "x", "cpu")


def test_a_split_of_a_corpus_needs_no_copy_of_its_features(tmp_path):
    """Rows of all features, and a copy of these rows: the same batches, the same run."""
    captioner = new_captioner()
    data = data_for(captioner)
    rows = torch.arange(3, 40, 2)
    some = Examples(data.examples[i] for i in rows)
    by_rows, copied = CaptionData(data.features, some, rows), CaptionData(data.features[rows], some)
    for a, b in zip(by_rows.batch([0, 5, 2]), copied.batch([0, 5, 2]), strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    settings = TrainingSettings()
    assert data_fingerprint(captioner, settings, by_rows) == data_fingerprint(captioner, settings, copied)
    assert data_fingerprint(captioner, settings, by_rows) != data_fingerprint(captioner, settings, data)


def test_tokens_of_many_examples_go_to_a_nameless_file(tmp_path, monkeypatch):
    examples = [Example(list(range(i % 7)), [i, 2 * i]) for i in range(50)]
    monkeypatch.setattr("altlib.training.examples.TOKENS_IN_MEMORY", 10)
    kept = Examples(iter(examples), tmp_path)
    assert list(kept) == examples and not list(tmp_path.iterdir())


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 2**31 - 1), max_size=5), st.lists(st.integers(0, 9), max_size=5)), max_size=6
    )
)
def test_examples_come_back_from_their_arrays(pairs):
    examples = [Example(text, alt_text) for text, alt_text in pairs]
    kept = Examples(iter(examples))
    assert list(kept) == examples and kept[1:] == examples[1:] and len(kept) == len(examples)
    assert kept.lengths() == [example_length(e) for e in examples]
    assert not examples or kept[-1] == examples[-1]
    with pytest.raises(IndexError):
        kept[len(examples)]
