"""Captions from a neighbour, a random post and a vision-language model."""

import pytest
import torch
from torch.nn import functional as F

from altlib.generation import baselines
from tests.image_text_models import tiny_blip2, tiny_llava, tokenizer_with_pictures


def test_the_nearest_neighbour_has_the_largest_dot_product():
    torch.manual_seed(0)
    queries, corpus = F.normalize(torch.randn(50, 6), dim=1), F.normalize(torch.randn(80, 6), dim=1)
    assert torch.equal(baselines.nearest_neighbours(queries, corpus, block=7), (queries @ corpus.T).argmax(1))
    some = torch.tensor([3, 40, 41, 79])
    among = baselines.nearest_neighbours(queries, corpus, some, block=3)
    assert torch.equal(among, some[(queries @ corpus[some].T).argmax(1)])
    whole, twice = (8 * queries).round(), (8 * torch.cat([corpus, corpus])).round()  # exact products, so ties are ties
    assert torch.equal(baselines.nearest_neighbours(whole, twice, block=30), (whole @ twice[:80].T).argmax(1))
    with pytest.raises(ValueError, match="empty"):
        baselines.nearest_neighbours(queries, corpus[:0])


@pytest.mark.parametrize("n", [2, 3, 50])
def test_a_random_other_post_is_always_another_one(n):
    other = [int(post) for post in baselines.random_posts([str(i) for i in range(n)], 0)]
    assert sorted(other) == list(range(n)) and all(i != j for i, j in enumerate(other))


def test_a_vision_language_model_is_run_from_a_folder(tmp_path, picture):
    tiny_blip2(tmp_path / "blip2")
    captions = baselines.vision_language_captions(
        str(tmp_path / "blip2"),
        [str(picture("a.png")), str(picture("b.jpg", mode="CMYK"))],
        "cpu",
        beams=2,
        max_tokens=5,
    )
    assert len(captions) == 2 and all(isinstance(c, str) for c in captions)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_model_that_was_published_in_half_precision_computes_in_the_type_of_its_device(
    tmp_path, picture, monkeypatch, precision
):
    monkeypatch.setattr(baselines, "mixed_precision", lambda *_: precision)
    model, processor = tiny_llava("llava")
    processor.chat_template = "<image>\n{% for m in messages %}{{ m['content'][1]['text'] }}{% endfor %}"
    path, found = str(picture("a.png")), []
    for published in (torch.float16, precision):
        folder = tmp_path / str(published)
        model.to(published).save_pretrained(folder)
        processor.save_pretrained(folder)
        found.append(baselines.vision_language_captions(str(folder), [path], "cpu", beams=2, max_tokens=5))
    assert found[0] == found[1] and found[0][0]


def test_captions_are_made_again_in_another_number_type(tmp_path, picture, monkeypatch):
    path = str(picture("a.png"))
    keys = []
    for precision in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(baselines, "mixed_precision", lambda *_, precision=precision: precision)
        monkeypatch.setattr(baselines, "described_batches", lambda model, asked, *_: keys.append(asked) or [["A mug."]])
        baselines.vision_language_captions("model", [path], "cpu", cache=tmp_path / "replies.sqlite")
        baselines.vision_language_captions("model", [path], "cpu", cache=tmp_path / "replies.sqlite")
    assert len(keys) == 2


def test_a_model_that_holds_conversations_is_asked(tmp_path, picture, monkeypatch):
    """LLaVA of transformers with random weights, as a folder; its answers are those of its own ``generate``."""
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    inner = tokenizer_with_pictures()
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**small, image_size=32, patch_size=16),
        text_config=LlamaConfig(**small, vocab_size=len(inner), max_position_embeddings=256),
        image_token_id=inner.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    LlavaForConditionalGeneration(config).save_pretrained(tmp_path / "llava")
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    template = (
        "{% for m in messages %}{{ m.role }}: {% for c in m.content %}"
        "{% if c.type == 'image' %}<image>\n{% else %}{{ c.text }}{% endif %}{% endfor %}\n{% endfor %}assistant:"
    )
    LlavaProcessor(
        CLIPImageProcessor(**sizes),
        inner,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    ).save_pretrained(tmp_path / "llava")
    asked, work = [], baselines.request_to
    monkeypatch.setattr(baselines, "request_to", lambda *given: asked.append(work(*given)) or asked[-1])
    paths = [str(picture("a.png")), str(picture("b.jpg", mode="CMYK"))]
    captions = baselines.vision_language_captions(str(tmp_path / "llava"), paths, "cpu", beams=2, max_tokens=5)
    assert len(captions) == 2 and asked == [f"user: <image>\n{baselines.REQUEST}assistant:"] * 2
    assert not any("alt text" in c or "assistant" in c for c in captions)  # the answer alone
    one = baselines.vision_language_captions(str(tmp_path / "llava"), paths[:1], "cpu", beams=2, max_tokens=5)
    assert one == captions[:1]
    kept = tmp_path / "kept.sqlite"
    asked.clear()
    for some in (paths[:1], paths, paths):
        found = baselines.vision_language_captions(
            str(tmp_path / "llava"), some, "cpu", beams=2, max_tokens=5, batch_size=1, cache=kept
        )
        assert len(found) == len(some) and found[0] == captions[0]
    assert len(asked) == 2  # no picture is described twice
    baselines.vision_language_captions(
        str(tmp_path / "llava"), paths[:1], "cpu", beams=2, max_tokens=5, requests=["Why?"], cache=kept
    )
    assert len(asked) == 3


def test_a_vision_language_model_that_is_not_there_says_what_to_download(picture):
    from altlib.core.errors import BackboneError

    with pytest.raises(BackboneError, match="Salesforce/blip2-nowhere"):
        baselines.vision_language_captions("Salesforce/blip2-nowhere", [str(picture("a.png"))], "cpu")
