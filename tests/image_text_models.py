"""Image-text-to-text models of transformers, tiny and with random weights."""

from pathlib import Path

import torch
import transformers as t

from altlib.models.language import load_language_model

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.3,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
    "projection_dim": 16,
}


def tiny_llava(kind: str):
    """A LLaVA of random weights with its processor."""
    tokenizer = load_language_model()[0]
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    parts = {
        "text_config": t.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        "vision_config": t.CLIPVisionConfig(**VISION),
        "image_token_id": tokenizer.convert_tokens_to_ids("<image>"),
    }
    told = {"patch_size": 8, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    torch.manual_seed(0)
    if kind == "llava":
        model = t.LlavaForConditionalGeneration(t.LlavaConfig(**parts))
        processor = t.LlavaProcessor(t.CLIPImageProcessor(**size), tokenizer, **told)
    else:
        grid = [[32, 64], [64, 32]]
        model = t.LlavaNextForConditionalGeneration(t.LlavaNextConfig(**parts, image_grid_pinpoints=grid))
        images = t.LlavaNextImageProcessor(**size, image_grid_pinpoints=grid)
        processor = t.LlavaNextProcessor(images, tokenizer, **told)
    return model.eval(), processor


def tokenizer_with(*special: str):
    """The miniature language model's tokenizer with more special tokens."""
    tokenizer = load_language_model()[0]
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    return tokenizer


QWEN_TEMPLATE = (
    "{% for m in messages %}<|vision_start|><|image_pad|><|vision_end|>{{ m['content'][1]['text'] }}\n{% endfor %}"
)


def qwen_tokens():
    """The tokenizer of the tiny models of Qwen, and its special tokens as their configurations name them."""
    special = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    tokenizer = tokenizer_with(*special.values())
    return tokenizer, {name: tokenizer.convert_tokens_to_ids(token) for name, token in special.items()}


def tiny_qwen(kind: str):
    """A Qwen2-VL or Qwen2.5-VL of random weights with its processor."""
    tokenizer, ids = qwen_tokens()
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2]}
    text = {"vocab_size": len(tokenizer), "rope_scaling": rope, **TEXT}
    vision = {"depth": 2, "num_heads": 4, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2}
    torch.manual_seed(0)
    if kind == "qwen2_vl":
        vision |= {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}
        model = t.Qwen2VLForConditionalGeneration(t.Qwen2VLConfig(text_config=text, vision_config=vision, **ids))
        kinds = (t.Qwen2VLProcessor, t.Qwen2VLImageProcessor, t.Qwen2VLVideoProcessor)
    else:
        vision |= {"hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 32, "fullatt_block_indexes": [1]}
        model = t.Qwen2_5_VLForConditionalGeneration(t.Qwen2_5_VLConfig(text_config=text, vision_config=vision, **ids))
        kinds = (t.Qwen2_5_VLProcessor, t.Qwen2VLImageProcessor, t.Qwen2VLVideoProcessor)
    images = kinds[1](min_pixels=4 * 28**2, max_pixels=8 * 28**2)
    return model.eval(), kinds[0](images, tokenizer, kinds[2](), chat_template=QWEN_TEMPLATE)


def tiny_idefics():
    """An Idefics3 of random weights with its processor."""
    tokenizer = tokenizer_with("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
    config = t.Idefics3Config(
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **TEXT).to_dict(),
        vision_config={name: value for name, value in VISION.items() if name != "projection_dim"},
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )
    images = t.Idefics3ImageProcessor(size={"longest_edge": 32}, max_image_size={"longest_edge": 32})
    torch.manual_seed(0)
    model = t.Idefics3ForConditionalGeneration(config)
    return model.eval(), t.Idefics3Processor(images, tokenizer, image_seq_len=4)


def tiny_model(kind: str):
    """A model of random weights of a kind that can learn from preferences, with its processor."""
    return tiny_idefics() if kind == "idefics3" else (tiny_qwen if "qwen" in kind else tiny_llava)(kind)


def tokenizer_with_pictures():
    """The miniature language model's tokens with one for a picture's place."""
    inner = t.PreTrainedTokenizerFast(
        tokenizer_object=load_language_model()[0].backend_tokenizer,
        pad_token="<|pad|>",
        eos_token="<|endoftext|>",
        bos_token="<|endoftext|>",
    )
    inner.add_special_tokens({"additional_special_tokens": ["<image>"]})
    return inner


def tiny_blip2(folder: Path) -> None:
    """Write a BLIP-2 with its processor into a folder."""
    inner = tokenizer_with_pictures()
    image_token = inner.convert_tokens_to_ids("<image>")
    config = t.Blip2Config(
        vision_config=t.Blip2VisionConfig(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=32,
            patch_size=16,
        ).to_dict(),
        qformer_config=t.Blip2QFormerConfig(
            vocab_size=10,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
            encoder_hidden_size=16,
        ).to_dict(),
        text_config=t.OPTConfig(
            vocab_size=len(inner),
            hidden_size=16,
            num_hidden_layers=1,
            ffn_dim=16,
            num_attention_heads=2,
            max_position_embeddings=256,
            word_embed_proj_dim=16,
            bos_token_id=2047,
            eos_token_id=2047,
            pad_token_id=0,
        ).to_dict(),
        num_query_tokens=4,
        image_token_index=image_token,
    )
    t.Blip2ForConditionalGeneration(config).save_pretrained(folder)
    t.Blip2Processor(t.BlipImageProcessor(size={"height": 32, "width": 32}), inner, num_query_tokens=4).save_pretrained(
        folder
    )
