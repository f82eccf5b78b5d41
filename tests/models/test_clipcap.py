"""ClipCap's checkpoints, in the original code's layout, give the same prefixes here."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from altlib.core.errors import BackboneError
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner, build_captioner
from altlib.models.clip import load_clip
from altlib.models.clipcap import read_clipcap, start_from_clipcap
from altlib.models.language import load_language_model
from tests.conftest import small_gpt2

K, WIDTH, LM = 4, 8, 32
CONFIG = CaptionerConfig("random", clip_width=WIDTH, prefix_length=K, max_tokens=60, uses_text=False)


class OriginalAttention(nn.Module):
    """The original code's attention, written down from its parameters: queries, then keys and values in one matrix."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.to_queries = nn.Linear(width, width, bias=False)
        self.to_keys_values = nn.Linear(width, 2 * width, bias=False)
        self.project = nn.Linear(width, width)

    def forward(self, x):
        b, n, c = x.shape
        queries = self.to_queries(x).reshape(b, n, self.heads, c // self.heads)
        keys, values = self.to_keys_values(x).reshape(b, n, 2, self.heads, c // self.heads).unbind(2)
        weights = (torch.einsum("bnhd,bmhd->bnmh", queries, keys) * self.scale).softmax(dim=2)
        return self.project(torch.einsum("bnmh,bmhd->bnhd", weights, values).reshape(b, n, c))


class OriginalLayer(nn.Module):
    """Pre-norm attention and a ReLU network of twice the width."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = OriginalAttention(width, heads)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 2 * width), "fc2": nn.Linear(2 * width, width)})

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp["fc2"](F.relu(self.mlp["fc1"](self.norm2(x))))


class OriginalTransformer(nn.Module):
    """The original code's transformer mapper with as many picture vectors as constants."""

    def __init__(self, heads: int = 8, layers: int = 8):
        super().__init__()
        self.transformer = nn.ModuleDict({"layers": nn.ModuleList(OriginalLayer(LM, heads) for _ in range(layers))})
        self.linear = nn.Linear(WIDTH, K * LM)
        self.prefix_const = nn.Parameter(torch.randn(K, LM))

    def forward(self, x):
        x = torch.cat([self.linear(x).view(len(x), K, LM), self.prefix_const.expand(len(x), K, LM)], dim=1)
        for layer in self.transformer["layers"]:
            x = layer(x)
        return x[:, K:]


class OriginalMlp(nn.Module):
    """The original code's MLP mapper."""

    def __init__(self):
        super().__init__()
        hidden = K * LM // 2
        self.model = nn.Sequential(nn.Linear(WIDTH, hidden), nn.Tanh(), nn.Linear(hidden, K * LM))

    def forward(self, x):
        return self.model(x).view(len(x), K, LM)


@pytest.fixture
def checkpoint(tokenizer, tmp_path):
    """Write a state dict as the original code does; returns its path, the mapper and the language model."""

    def make(mapper: nn.Module):
        gpt = small_gpt2(tokenizer, seed=7)
        state = {f"clip_project.{n}": v for n, v in mapper.state_dict().items()}
        state |= {f"gpt.{n}": v for n, v in gpt.state_dict().items()}
        state |= {f"gpt.transformer.h.{i}.attn.bias": torch.ones(1, 1, 8, 8) for i in range(2)}
        state |= {f"gpt.transformer.h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(2)}
        path = tmp_path / "clipcap.pt"
        torch.save(state, path)
        return str(path), mapper.eval(), gpt

    return make


@pytest.mark.parametrize(("kind", "original"), [("mlp", OriginalMlp), ("transformer", OriginalTransformer)])
def test_an_original_checkpoint_gives_the_same_prefix_and_logits(
    checkpoint, tokenizer, features, kind, original
) -> None:
    torch.manual_seed(2)
    path, mapper, gpt = checkpoint(original())
    captioner = PrefixCaptioner(dataclasses.replace(CONFIG, mapper=kind), tokenizer, small_gpt2(tokenizer)).eval()
    assert start_from_clipcap(captioner, path, language_model=True)
    with torch.inference_mode():
        torch.testing.assert_close(captioner.prefix(features), mapper(features), atol=1e-5, rtol=1e-4)
        ids = torch.tensor([[5, 6, 7]]).expand(len(features), -1)
        theirs = gpt(inputs_embeds=torch.cat([mapper(features), gpt.transformer.wte(ids)], 1)).logits
        ours = captioner.language_model(inputs_embeds=captioner.inputs(features, ids)).logits
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_the_language_model_of_a_checkpoint_may_be_left_out(checkpoint, tokenizer) -> None:
    path, _, _ = checkpoint(OriginalMlp())
    captioner = PrefixCaptioner(CONFIG, tokenizer, small_gpt2(tokenizer))
    before = captioner.language_model.transformer.wte.weight.clone()
    start_from_clipcap(captioner, path)
    assert torch.equal(captioner.language_model.transformer.wte.weight, before)


def test_the_miniature_clipcap_fits_the_miniature_models() -> None:
    _, language_model = load_language_model()
    config = CaptionerConfig("miniature", clip_width=load_clip().width, uses_text=False, trains_lm=False)
    captioner = build_captioner(config, seed=0)
    before = captioner.prefix(torch.ones(1, config.clip_width))
    assert not start_from_clipcap(captioner, "miniature", language_model=True)
    assert not torch.allclose(captioner.prefix(torch.ones(1, config.clip_width)), before)
    assert read_clipcap("miniature")[0]["model.2.weight"].shape == (10 * language_model.config.n_embd, 960)


def test_a_captioner_of_the_book_can_be_started_from(captioner, tokenizer, features, tmp_path) -> None:
    captioner.save(tmp_path / "first")
    other = PrefixCaptioner(captioner.config, tokenizer, small_gpt2(tokenizer, seed=9))
    assert start_from_clipcap(other, str(tmp_path / "first"), language_model=True)
    torch.testing.assert_close(other.prefix(features), captioner.prefix(features))
    torch.testing.assert_close(other.language_model.lm_head.weight, captioner.language_model.lm_head.weight)


def test_what_does_not_fit_is_named_with_the_way_out(checkpoint, tokenizer, tmp_path) -> None:
    path, _, _ = checkpoint(OriginalMlp())
    for change, message in (
        ({"prefix_length": 5}, r"does not fit this captioner: model\.\S+ is .* set the parameter clipcap to train"),
        ({"mapper": "transformer"}, "of the kind mlp; set the parameter mapper"),
    ):
        captioner = PrefixCaptioner(dataclasses.replace(CONFIG, **change), tokenizer, small_gpt2(tokenizer))
        with pytest.raises(BackboneError, match=message):
            start_from_clipcap(captioner, path)
    captioner = PrefixCaptioner(CONFIG, tokenizer, small_gpt2(tokenizer))
    with pytest.raises(BackboneError, match="there is no ClipCap checkpoint"):
        start_from_clipcap(captioner, str(tmp_path / "none.pt"))
    (tmp_path / "cut.pt").write_bytes((tmp_path / "clipcap.pt").read_bytes()[:5000])
    torch.save({"x": torch.ones(1)}, tmp_path / "other.pt")
    for name in ("cut.pt", "other.pt"):
        with pytest.raises(BackboneError, match="not a ClipCap checkpoint"):
            start_from_clipcap(captioner, str(tmp_path / name))


def test_a_checkpoint_that_would_run_code_is_refused(tokenizer, tmp_path) -> None:
    class Hostile:
        def __reduce__(self):
            return (print, ("this must never run",))

    torch.save({"clip_project.model.0.weight": Hostile()}, tmp_path / "hostile.pt")
    with pytest.raises(BackboneError, match="not a ClipCap checkpoint"):
        read_clipcap(str(tmp_path / "hostile.pt"))
