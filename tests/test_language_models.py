"""Causal language models of other families than GPT-2: positions and sizes are read from the model."""

import pytest
import torch
import transformers
from test_decoding import by_transformers

from altlib.generation.decoding import Decoding, decode
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner, load_captioner
from altlib.training.captions import TrainingSettings, train
from altlib.training.examples import encode_posts

SIZES = {
    # OPT's positions begin at 2, and its embedding may be narrower than its layers.
    "opt": {"hidden_size": 32, "ffn_dim": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "word_embed_proj_dim": 16},
    "gpt_neox": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4},
    "llama": {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    },
}  # fmt: skip


@pytest.fixture(params=SIZES)
def other(request, tokenizer):
    """A captioner on a small language model of another family, with random weights."""
    config = transformers.AutoConfig.for_model(
        request.param,
        **SIZES[request.param],
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.3,
        init_std=0.3,
    )
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config)
    settings = CaptionerConfig("random", clip_width=8, prefix_length=4, max_tokens=60)
    return PrefixCaptioner(settings, tokenizer, model).eval()


@pytest.mark.parametrize("beams", [1, 3])
def test_beam_search_is_that_of_transformers(other, features, posts, beams) -> None:
    how = Decoding(beams=beams, max_tokens=10, batch_size=4)
    ours = decode(other, features, posts, how, torch.float32)
    for i, post in enumerate(posts):
        assert [c.text for c in ours[i]] == by_transformers(other, features[i], post, how)


def test_it_trains_is_saved_and_read_back(other, features, posts, tmp_path) -> None:
    data = encode_posts(other, features, posts, [f"A boat, number {n}" for n in range(len(posts))])
    settings = TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-2)
    trained, curve = train(other, data, data, settings, tmp_path / "c", "other", "cpu")
    assert curve["validation_loss"].iloc[-1] < curve["training_loss"].iloc[0]
    again = load_captioner(tmp_path / "c")
    torch.testing.assert_close(again.token_losses(*data.batch([0, 1]))[0], trained.token_losses(*data.batch([0, 1]))[0])
