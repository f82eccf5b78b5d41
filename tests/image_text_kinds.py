"""More kinds of image-text-to-text models, tiny and with random weights, each with another way to read a picture."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tokenizers
import torch
import transformers as t

from altlib.models.image_text_model import load_image_text_model
from altlib.models.language import load_language_model
from tests.image_text_models import QWEN_TEMPLATE, TEXT, VISION, qwen_tokens, tiny_blip2, tokenizer_with

SIGLIP = {name: value for name, value in VISION.items() if name != "projection_dim"}
GEMMA = TEXT | {"head_dim": 8}
SQUARE = {"size": {"height": 32, "width": 32}}


def tokenizer_named(begin: str = "<|endoftext|>", **special: str) -> t.PreTrainedTokenizerFast:
    """The miniature language model's tokenizer with special tokens that have names, such as ``image_token``."""
    return t.PreTrainedTokenizerFast(
        tokenizer_object=load_language_model()[0].backend_tokenizer,
        pad_token="<|pad|>",
        eos_token="<|endoftext|>",
        bos_token=begin,
        extra_special_tokens=special,
    )


def paligemma():
    """The prompt attends in both directions."""
    tokenizer = tokenizer_with("<image>")
    config = t.PaliGemmaConfig(
        vision_config=t.SiglipVisionConfig(**SIGLIP).to_dict(),
        text_config=t.GemmaConfig(vocab_size=len(tokenizer) + 8, **GEMMA).to_dict(),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=32,
    )
    images = t.SiglipImageProcessor(**SQUARE)
    images.image_seq_length = 16
    return t.PaliGemmaForConditionalGeneration(config), t.PaliGemmaProcessor(images, tokenizer)


def gemma3():
    """The picture's tokens attend to each other in both directions."""
    tokenizer = tokenizer_named(image_token="<soft>", boi_token="<start_of_image>", eoi_token="<end_of_image>")
    config = t.Gemma3Config(
        vision_config=t.SiglipVisionConfig(**SIGLIP).to_dict(),
        text_config=t.Gemma3TextConfig(vocab_size=len(tokenizer), sliding_window=64, **GEMMA).to_dict(),
        mm_tokens_per_image=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<soft>"),
        boi_token_index=tokenizer.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end_of_image>"),
    )
    processor = t.Gemma3Processor(t.Gemma3ImageProcessor(**SQUARE), tokenizer, image_seq_length=4)
    model = t.Gemma3ForConditionalGeneration(config)
    torch.nn.init.normal_(
        model.model.multi_modal_projector.mm_input_projection_weight
    )  # at 0, the picture changes nothing
    return model, processor


def smolvlm():
    """A picture in parts."""
    tokenizer = tokenizer_with("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
    config = t.SmolVLMConfig(
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **TEXT).to_dict(),
        vision_config=SIGLIP,
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )
    size = {"size": {"longest_edge": 32}, "max_image_size": {"longest_edge": 32}}
    video = t.SmolVLMVideoProcessor(**size, video_sampling={"fps": 1, "max_frames": 2, "video_size": size["size"]})
    processor = t.SmolVLMProcessor(t.SmolVLMImageProcessor(**size), tokenizer, video, image_seq_len=4)
    return t.SmolVLMForConditionalGeneration(config), processor


def qwen3_vl():
    """Features of several depths of the vision encoder, added in several layers of the language model."""
    tokenizer, ids = qwen_tokens()
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1], "mrope_interleaved": True}
    vision = {"depth": 3, "num_heads": 4, "hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 32}
    config = t.Qwen3VLConfig(
        text_config={"vocab_size": len(tokenizer), "rope_parameters": rope, **GEMMA},
        vision_config=vision | {"num_position_embeddings": 16, "deepstack_visual_indexes": [0, 1]},
        **ids,
    )
    images = t.Qwen2VLImageProcessor(patch_size=16, min_pixels=4 * 32**2, max_pixels=8 * 32**2)
    processor = t.Qwen3VLProcessor(images, tokenizer, t.Qwen3VLVideoProcessor(), chat_template=QWEN_TEMPLATE)
    return t.Qwen3VLForConditionalGeneration(config), processor


def mllama():
    """The language model attends to the picture in layers of their own."""
    tokenizer = tokenizer_with("<|image|>", "<|python_tag|>")
    vision = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_global_layers": 1,
        "attention_heads": 4,
        "intermediate_size": 48,
        "vision_output_dim": 64,
        "image_size": 32,
        "patch_size": 8,
        "intermediate_layers_indices": [0],
    }
    text = {**TEXT, "num_hidden_layers": 3, "cross_attention_layers": [1], "pad_token_id": 0}
    config = t.MllamaConfig(
        vision_config=vision,
        text_config={"vocab_size": len(tokenizer), **text},
        image_token_index=tokenizer.convert_tokens_to_ids("<|image|>"),
    )
    images = t.MllamaImageProcessor(size={"height": 32, "width": 32}, max_image_tiles=4)
    model = t.MllamaForConditionalGeneration(config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "gate" in name and p.numel() == 1:  # at 0, the picture changes nothing
                p.fill_(1.0)
    return model, t.MllamaProcessor(images, tokenizer)


def florence2():
    """A decoder beside an encoder."""
    tokenizer = tokenizer_named(begin="<begin>", image_token="<image>")
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    text = {"d_model": 32, "max_position_embeddings": 256, "vocab_size": len(tokenizer), "init_std": 0.3}
    for part in ("encoder", "decoder"):
        text |= {f"{part}_layers": 1, f"{part}_attention_heads": 2, f"{part}_ffn_dim": 48}
    ends = {"bos_token_id": begin, "forced_bos_token_id": begin, "eos_token_id": end, "decoder_start_token_id": end}
    vision = {"depths": (1, 1), "patch_size": (7, 3), "patch_stride": (4, 2), "patch_padding": (3, 1), "window_size": 4}
    vision |= {"patch_prenorm": (False, True), "embed_dim": (16, 32), "num_heads": (2, 2), "num_groups": (2, 2)}
    config = t.Florence2Config(
        text_config=t.BartConfig(**text, **ends, pad_token_id=0).to_dict(),
        vision_config=t.Florence2VisionConfig(**vision, projection_dim=32, initializer_range=0.3).to_dict(),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        **ends,
    )
    images = t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    images.image_seq_length = 17
    model = t.Florence2ForConditionalGeneration(config)
    model.generation_config.update(**ends)  # as in the published checkpoints
    return model, t.Florence2Processor(images, tokenizer)


def git():
    """No place for the picture in the prompt, and a tokenizer that ends each text."""
    tokenizer = tokenizer_named(sep_token="<|sep|>")
    end = tokenizer.convert_tokens_to_ids("<|sep|>")
    tokenizer.backend_tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A <|sep|>", special_tokens=[("<|sep|>", end)]
    )
    tokenizer.eos_token = None
    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = t.GitConfig(
        vision_config={**SIGLIP, "initializer_range": 0.3},
        vocab_size=len(tokenizer),
        initializer_range=0.3,
        eos_token_id=end,
        **small,
    )
    images = t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return t.GitForCausalLM(config), t.GitProcessor(images, tokenizer)


def blip_2():
    """Parts beside the language model's last layer, and a prompt in which the processor puts the picture."""
    with tempfile.TemporaryDirectory() as folder:
        tiny_blip2(Path(folder))
        return load_image_text_model(folder)


BUILDERS = {
    builder.__name__: builder for builder in (paligemma, gemma3, smolvlm, qwen3_vl, mllama, florence2, git, blip_2)
}


def tiny_kind(kind: str):
    """A model of random weights with its processor."""
    torch.manual_seed(0)
    model, processor = BUILDERS[kind]()
    return model.eval(), processor
