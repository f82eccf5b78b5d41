"""Beams that share their prompts, against transformers' own attention."""

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPTNeoXConfig, LlamaConfig, Qwen2Config

from altlib.generation import decoding
from altlib.generation.decoding import BeamSearch, Decoding
from altlib.generation.shared_prompts import SHARING, SharedPromptCache

SMALL = {"vocab_size": 61, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
CONFIGS = {
    "gpt2": GPT2Config(vocab_size=61, n_embd=32, n_layer=2, n_head=4, n_positions=64),
    "llama": LlamaConfig(**SMALL, num_key_value_heads=2),
    "qwen2": Qwen2Config(**SMALL, num_key_value_heads=1),
    "gpt_neox": GPTNeoXConfig(**SMALL),
}


def model_of(kind: str):
    torch.manual_seed(1)
    return AutoModelForCausalLM.from_config(CONFIGS[kind]).eval()


def searched(model, prompts, mask, how):
    with torch.inference_mode():
        return BeamSearch(model, 3, prompts, mask, how).run()


def test_every_model_that_shares_is_tested():
    assert set(SHARING) <= set(CONFIGS)


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("padded", [False, True])
def test_candidates_are_those_of_copied_prompts(kind, padded, monkeypatch):
    model = model_of(kind)
    prompts, mask = torch.randn(3, 7, 32), torch.ones(3, 7, dtype=torch.long)
    if padded:
        mask[0, :3] = mask[2, :1] = 0
    how = Decoding(beams=4, max_tokens=9)
    ours = searched(model, prompts, mask, how)
    monkeypatch.setattr(decoding, "SHARING", ())
    copied = searched(model, prompts, mask, how)
    for mine, theirs in zip(ours, copied, strict=True):
        assert [tokens for *_, tokens in mine] == [tokens for *_, tokens in theirs]
        assert [score for score, *_ in mine] == pytest.approx([score for score, *_ in theirs], abs=1e-5)


def test_a_prompt_is_kept_once_and_the_attention_is_given_back(monkeypatch):
    kept = []

    class Watched(SharedPromptCache):
        def __init__(self):
            super().__init__()
            kept.append(self)

    monkeypatch.setattr(decoding, "SharedPromptCache", Watched)
    model = model_of("gpt2")
    before = model.config._attn_implementation
    searched(model, torch.randn(2, 7, 32), torch.ones(2, 7, dtype=torch.long), Decoding(beams=5, max_tokens=4))
    (cache,) = kept
    assert all(layer.prompt_keys.shape[0] <= 2 and layer.keys.shape[2] == 4 for layer in cache.layers)
    assert model.config._attn_implementation == before
