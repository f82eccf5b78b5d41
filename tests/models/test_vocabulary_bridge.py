import open_clip
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from altlib.models.clip import Clip, load_clip
from altlib.models.vocabulary_bridge import VocabularyBridge, overlaps

TEXTS = ["A teapot on the left of a red cloth, near Whitby.", "two DOGS", "It's 9 o'clock; the café is open!", "a"]


def clip_with_its_own_vocabulary() -> Clip:
    """A CLIP of random weights that reads text as OpenAI's does: in lower case, with marks at both ends."""
    torch.manual_seed(0)
    vision = {"image_size": 32, "patch_size": 16, "width": 32, "layers": 1, "head_width": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 2}
    model = open_clip.model.CLIP(embed_dim=16, vision_cfg=vision, text_cfg=text).eval()
    with torch.no_grad():  # random weights at open_clip's scale hardly react to their input
        model.token_embedding.weight.mul_(30)
    return Clip("random", model, lambda image: image, open_clip.SimpleTokenizer(), 16, "random")


@pytest.fixture(scope="module", params=["same vocabulary", "own vocabulary"])
def bridge(request, tokenizer):
    clip = load_clip() if request.param == "same vocabulary" else clip_with_its_own_vocabulary()
    return VocabularyBridge(tokenizer, clip)


def sampled(bridge, texts):
    """Tokens as if they had been sampled, and their one-hot vectors."""
    rows = [[*bridge.tokenizer(text).input_ids, bridge.end] for text in texts]
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [5] * (longest - len(row)) for row in rows])  # anything may follow the end
    return tokens, F.one_hot(tokens, len(bridge.tokenizer)).float()


def test_a_sampled_text_has_exactly_the_embedding_that_clip_gives_the_text(bridge):
    embedded, texts = bridge.embed(*sampled(bridge, TEXTS))
    assert texts == TEXTS
    assert torch.allclose(embedded, bridge.clip.encode_texts(TEXTS), atol=1e-5)


def test_one_hot_mixtures_are_exact_where_the_vocabularies_agree_and_near_elsewhere(bridge):
    agree = isinstance(bridge.clip.tokenize, open_clip.tokenizer.HFTokenizer)
    unusual = ["!!!", "“Two dogs” – at last…", "🐕 & 🐈"]
    for texts, least in ((TEXTS, 0.9999 if agree else 0.8), (unusual, 0.85 if agree else 0.55)):
        embedded, _ = bridge.embed(*sampled(bridge, texts), straight_through=False)
        cosine = (embedded.detach() * bridge.clip.encode_texts(texts)).sum(1)
        assert float(cosine.min()) > least


@pytest.mark.parametrize("straight_through", [True, False])
def test_gradients_reach_the_tokens_of_the_text_and_no_others(bridge, straight_through):
    tokens, relaxed = sampled(bridge, ["two dogs", "A teapot on the left of a red cloth."])
    relaxed.requires_grad_(True)
    embedded, _ = bridge.embed(tokens, relaxed, straight_through)
    embedded[0, 0].backward()
    reached = relaxed.grad.abs().sum(-1)  # (B, T)
    length = len(bridge.tokenizer("two dogs").input_ids)
    assert (reached[0, : length + 1] > 0).all()  # with the end of text
    assert reached[0, length + 1 :].sum() == reached[1].sum() == 0


def test_the_gradient_points_to_the_token_that_would_raise_the_score(tokenizer):
    """With one vocabulary, the gradient of a token's place is that of CLIP's own embedding at this place."""
    bridge = VocabularyBridge(tokenizer, load_clip())
    tokens, relaxed = sampled(bridge, ["a red mug"])
    relaxed.requires_grad_(True)
    target = bridge.clip.encode_texts(["a blue mug"]).clone()
    (bridge.embed(tokens, relaxed)[0] * target).sum().backward()
    red, blue, green = (
        tokenizer(f" {word}", add_special_tokens=False).input_ids[0] for word in ("red", "blue", "green")
    )
    place = tokens[0].tolist().index(red)
    change = relaxed.grad[0, place]
    assert change[blue] > change[red] and change[blue] > change[green]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.lists(st.integers(0, 6), min_size=1, max_size=8))
def test_every_read_token_with_characters_comes_from_written_ones(read, written):
    found = overlaps(read, written)
    assert found.shape == (len(read), len(written))
    expected = [1.0 if r and sum(written) else 0.0 for r in read]
    assert found.sum(1).tolist() == pytest.approx(expected, abs=1e-5)


def test_tokens_are_tied_by_their_characters():
    assert overlaps([6, 2], [3, 3, 1, 1]).tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]


def test_an_encoder_of_pictures_alone_is_refused(tokenizer):
    clip = load_clip()
    blind = Clip("pictures", clip.model, clip.preprocess, clip.tokenize, clip.width, "x", reads_text=False)
    with pytest.raises(ValueError, match="reads no text"):
        VocabularyBridge(tokenizer, blind)
