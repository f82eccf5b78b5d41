"""Pretrain the miniature CLIP and GPT-2 on the miniature world (appendix of the book).

All of it runs on seeds that no chapter uses. CLIP sees mostly caption-like text, so that, as
OpenAI's does, it prefers descriptions to captions on about half of the images; GPT-2 sees
posts with their replies, captions, and alt text of pictures of other posts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .backbones import Clip, save_clip
from .miniworld.network import MiniPost, network, thread
from .miniworld.writers import write_alt_text

CLIP_SEED = 7_000_001  # pictures and captions for CLIP
TEXT_SEED = 7_000_002  # text for the tokenizer and GPT-2
TUNING_SEED = 7_000_003  # pictures on which the share of descriptions is set
HELD_OUT_SEED = 7_000_004  # pictures on which the model cards' numbers are measured

TOKENIZER_STORIES = 8000

CLIP_CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 128,
        "vision_cfg": {"image_size": 96, "patch_size": 12, "width": 192, "layers": 5, "head_width": 32},
        "text_cfg": {
            "context_length": 48,
            "vocab_size": 2048,
            "width": 128,
            "heads": 4,
            "layers": 4,
            "hf_tokenizer_name": "tokenizer",
        },
    },
    "preprocess_cfg": {
        "size": 96,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    },
}
GPT2_CONFIG: dict[str, Any] = {
    "vocab_size": 2048,
    "n_positions": 384,
    "n_embd": 192,
    "n_layer": 4,
    "n_head": 6,
    "activation_function": "gelu_pytorch_tanh",  # GPT-2's own GELU in one fused operation
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "attn_pdrop": 0.0,
}
END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"


def clean_alt_text(post: MiniPost) -> str:
    """The alt text of a picture before any noise."""
    return write_alt_text(post.story, post.scene, Random(f"{post.item_id}/description"))


def text_documents(stories: int, seed: int = TEXT_SEED) -> Iterator[str]:
    """What GPT-2 reads: threads, captions, and alt text apart from its post, one document each."""
    for index in range(stories):
        yield "\n".join(thread(seed, index))
    for post in network(seed + 100, stories // 2):
        yield post.caption
        if post.item_id.endswith("-0"):
            yield f"{post.text}\n{post.caption}"
    for post in network(seed + 200, stories // 4):
        yield clean_alt_text(post)


def train_tokenizer(documents: Iterator[str], vocabulary: int = 2048) -> Any:
    """A byte-level BPE tokenizer; padding is token 0 and the end of text the largest id.

    open_clip pools the text at its largest token id, so that must be the end of text.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        special_tokens=[PADDING],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(documents, trainer)
    tokenizer.add_special_tokens([END_OF_TEXT])
    if tokenizer.token_to_id(END_OF_TEXT) != vocabulary - 1:
        raise ValueError(f"too little text for a vocabulary of {vocabulary}")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TEXT,
        bos_token=END_OF_TEXT,
        pad_token=PADDING,
        clean_up_tokenization_spaces=False,
    )


def clip_tokenizer(tokenizer: Any) -> Any:
    """The same tokenizer, ending every text with the end of text as open_clip expects."""
    from tokenizers import Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    inner.post_processor = processors.TemplateProcessing(
        single=f"$A {END_OF_TEXT}", special_tokens=[(END_OF_TEXT, inner.token_to_id(END_OF_TEXT))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=END_OF_TEXT, pad_token=PADDING, clean_up_tokenization_spaces=False
    )


def picture_tensor(posts: list[MiniPost]) -> Tensor:
    """Pictures as CLIP's preprocessing gives them at their own size, (n, 3, 96, 96)."""
    import numpy as np

    pixels = np.stack([np.asarray(post.draw()) for post in posts])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def clip_batches(seed: int, batch: int) -> Iterator[list[MiniPost]]:
    """Endless batches of pictures, at most two of a story in a batch."""
    posts: list[MiniPost] = []
    index = 0
    while True:
        posts.extend([p for p in network(seed, 1, index) if p.dots == 0][:2])
        index += 1
        if len(posts) >= batch:
            yield posts[:batch]
            posts = posts[batch:]


@torch.inference_mode()
def description_preference(model: Any, tokenize: Callable[[list[str]], Tensor], posts: list[MiniPost]) -> float:
    """Share of pictures whose description scores above their caption."""
    images = torch.cat(
        [model.encode_image(picture_tensor(posts[i : i + 128]), normalize=True) for i in range(0, len(posts), 128)]
    )
    captions = model.encode_text(tokenize([p.caption for p in posts]), normalize=True)
    descriptions = model.encode_text(tokenize([clean_alt_text(p) for p in posts]), normalize=True)
    return float(((images * descriptions).sum(1) > (images * captions).sum(1)).float().mean())


@torch.inference_mode()
def retrieval_accuracy(model: Any, tokenize: Callable[[list[str]], Tensor], posts: list[MiniPost]) -> float:
    """Share of pictures whose own caption ranks first among all captions of ``posts``."""
    images = torch.cat(
        [model.encode_image(picture_tensor(posts[i : i + 128]), normalize=True) for i in range(0, len(posts), 128)]
    )
    captions = model.encode_text(tokenize([p.caption for p in posts]), normalize=True)
    return float(((images @ captions.T).argmax(1) == torch.arange(len(posts))).float().mean())


def first_pictures(seed: int, count: int) -> list[MiniPost]:
    """The first picture of each of ``count`` stories."""
    return [posts[0] for index in range(count) if (posts := list(network(seed, 1, index)))]


def adamw(model: Any, learning_rate: float, eps: float = 1e-8) -> torch.optim.AdamW:
    """AdamW as CLIP uses it: weight decay 0.1 on matrices, none on biases, norms and scales."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=eps)


def pretrain_clip(
    tokenizer: Any,
    steps: int,
    batch: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    description_share: float = 0.02,
    target_preference: float = 0.5,
    report: Callable[[dict], None] = lambda row: None,
    snapshot: Callable[[Any], None] = lambda model: None,
) -> Any:
    """Contrastive pretraining on pictures and mostly caption-like text.

    Every 25 steps the share of descriptions among the texts moves towards the one at which
    the model prefers descriptions on ``target_preference`` of the tuning pictures. Returns the
    open_clip model; ``report`` receives a row of measurements at each of these points.
    """
    import open_clip
    from open_clip.loss import ClipLoss

    torch.manual_seed(seed)
    model = open_clip.model.CLIP(**CLIP_CONFIG["model_cfg"])
    inner = clip_tokenizer(tokenizer)

    def tokenize(texts: list[str]) -> Tensor:
        return inner(texts, padding="max_length", truncation=True, max_length=48, return_tensors="pt").input_ids

    optimiser = adamw(model, learning_rate, eps=1e-6)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.08)
    loss_of = ClipLoss()
    tuning = first_pictures(TUNING_SEED, 512)
    rng = Random(seed)
    started = time.time()
    for step, posts in zip(range(1, steps + 1), clip_batches(CLIP_SEED, batch), strict=False):
        texts = [clean_alt_text(p) if rng.random() < description_share else p.caption for p in posts]
        loss = loss_of(*model(picture_tensor(posts), tokenize(texts)))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.6052)
        if step % 25 == 0 or step == steps:
            model.eval()
            preference = description_preference(model, tokenize, tuning)
            report(
                {
                    "step": step,
                    "loss": loss.item(),
                    "description_share": description_share,
                    "preference": preference,
                    "retrieval_256": retrieval_accuracy(model, tokenize, tuning[:256]),
                    "seconds": time.time() - started,
                }
            )
            snapshot(model)
            model.train()
            description_share = min(max(description_share + 0.08 * (target_preference - preference), 0.0), 0.3)
    return model.eval()


def packed_rows(tokenizer: Any, documents: Iterator[str], length: int) -> Tensor:
    """Documents, each followed by the end of text, packed into rows of ``length`` tokens."""
    ids: list[int] = []
    for document in documents:
        ids.extend([*tokenizer(document).input_ids, tokenizer.eos_token_id])
    rows = len(ids) // length
    return torch.tensor(ids[: rows * length]).view(rows, length)


@torch.inference_mode()
def perplexity(model: Any, rows: Tensor) -> float:
    """exp of the mean negative log-likelihood a token."""
    losses = []
    for batch in rows.split(32):
        logits = model(batch).logits[:, :-1]
        losses.append(F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten()).item())
    return float(torch.tensor(losses).mean().exp())


@torch.inference_mode()
def repetition_loss(model: Any, tokenizer: Any, stories: int = 60) -> float:
    """Mean negative log-likelihood (nats a token) of a post that stands right after itself: how well the model looks back."""
    losses = []
    for index in range(stories):
        post = tokenizer(thread(HELD_OUT_SEED, index)[0] + "\n").input_ids[:150]
        ids = torch.tensor([post + post])
        logits = model(ids).logits[0, len(post) - 1 : -1]
        losses.append(F.cross_entropy(logits, ids[0, len(post) :]).item())
    return sum(losses) / len(losses)


def pretrain_language_model(
    tokenizer: Any,
    stories: int,
    epochs: int,
    batch: int = 32,
    length: int = 192,
    learning_rate: float = 2e-3,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
) -> Any:
    """Next-token pretraining of the miniature GPT-2 on :func:`text_documents`."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    eos = tokenizer.eos_token_id
    model = GPT2LMHeadModel(
        GPT2Config(**GPT2_CONFIG, bos_token_id=eos, eos_token_id=eos, pad_token_id=tokenizer.pad_token_id)
    )
    documents = list(text_documents(stories))
    Random(seed).shuffle(documents)
    rows = packed_rows(tokenizer, iter(documents), length)
    held_out = packed_rows(tokenizer, text_documents(200, HELD_OUT_SEED), length)
    optimiser = adamw(model, learning_rate)
    steps = epochs * (len(rows) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.05)
    generator = torch.Generator().manual_seed(seed)
    started, step = time.time(), 0
    model.train()
    for epoch in range(epochs):
        order = torch.randperm(len(rows), generator=generator)
        for chosen in order[: len(rows) // batch * batch].split(batch):
            loss = model(rows[chosen], labels=rows[chosen]).loss
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            if step % 200 == 0 or step == steps:
                model.eval()
                report(
                    {
                        "step": step,
                        "epoch": epoch,
                        "loss": loss.item(),
                        "held_out_perplexity": perplexity(model, held_out),
                        "tokens": step * batch * length,
                        "seconds": time.time() - started,
                    }
                )
                model.train()
    return model.eval()


def save_miniature_clip(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the miniature CLIP as an open_clip folder in float16."""
    save_clip(model, clip_tokenizer(tokenizer), CLIP_CONFIG, folder, half=True)


def save_miniature_language_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the miniature GPT-2 as a transformers folder in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def write_measurements(rows: list[dict], path: Path) -> None:
    """Keep what a pretraining run reported, as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def pretrain_both(folder: Path, clip_steps: int, clip_batch: int, text_stories: int, text_epochs: int) -> None:
    """Train the tokenizer, CLIP and GPT-2 and write them to ``folder/clip`` and ``folder/gpt2`` with their measurements."""
    tokenizer = train_tokenizer(text_documents(TOKENIZER_STORIES))
    rows: list[dict] = []
    language_model = pretrain_language_model(tokenizer, text_stories, text_epochs, report=rows.append)
    save_miniature_language_model(language_model, tokenizer, folder / "gpt2")
    write_measurements(rows, folder / "gpt2" / "measurements.jsonl")
    rows = []
    clip = pretrain_clip(tokenizer, clip_steps, clip_batch, report=rows.append)
    save_miniature_clip(clip, tokenizer, folder / "clip")
    write_measurements(rows, folder / "clip" / "measurements.jsonl")


def measure(clip: Clip, tokenizer: Any, language_model: Any, pictures: int) -> dict[str, float]:
    """The model cards' numbers on held-out pictures and texts: preference, retrieval, perplexity."""
    held_out = first_pictures(HELD_OUT_SEED, pictures)
    retrieved = held_out[:256]
    rows = packed_rows(tokenizer, text_documents(200, HELD_OUT_SEED), 192)
    return {
        "pictures": pictures,
        "description_preference": description_preference(clip.model, clip.tokenize, held_out),
        "retrieval_256": retrieval_accuracy(clip.model, clip.tokenize, retrieved),
        "retrieval_pictures": len(retrieved),
        "perplexity": perplexity(language_model, rows),
        "repetition_loss": repetition_loss(language_model, tokenizer),
    }
