"""The pictures and texts that the miniature models are pretrained on, on seeds that no chapter uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from altlib.miniworld.network import MiniPost, account, catalogued, network, thread, word_list
from altlib.miniworld.writers import write_alt_text, write_caption, write_catalogue_line, write_note

CLIP_SEED = 7_000_001  # pictures and captions for CLIP
TEXT_SEED = 7_000_002  # text for the tokenizer and GPT-2
TUNING_SEED = 7_000_003  # pictures on which the share of descriptions is set
VISION_SEED = 7_000_005  # pictures on which the vision tower learns to name facts
HELD_OUT_SEED = 7_000_004  # pictures on which the model cards' numbers are measured
CLIPCAP_SEED = 7_000_006  # pictures and texts for ClipCap's mapping network
CATALOGUE_SEED = 7_000_007  # archive entries for GPT-2


def clean_alt_text(post: MiniPost) -> str:
    """The alt text of a picture before any noise."""
    return write_alt_text(post.story, post.scene, Random(f"{post.item_id}/description"))


def text_documents(stories: int, seed: int = TEXT_SEED) -> Iterator[str]:
    """What GPT-2 reads, one document at a time.

    These are accounts of what a post is about, threads, captions, and alt text apart from its post.
    """
    for index in range(stories):
        yield account(seed, index)
        if index % 2 == 0:
            yield "\n".join(thread(seed + 100, index))
        if index % 4 == 0:
            for post in network(seed + 200, 1, index):
                yield post.caption
        if index % 8 == 0:
            for post in network(seed + 300, 1, index):
                yield clean_alt_text(post)


def picture_tensor(posts: list[MiniPost]) -> Tensor:
    """Pictures as CLIP's preprocessing gives them at their own size, (n, 3, 96, 96)."""
    pixels = np.stack([np.asarray(post.draw()) for post in posts])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def clip_batches(seed: int, batch: int) -> Iterator[list[MiniPost]]:
    """Endless batches of pictures, at most two per story."""
    posts: list[MiniPost] = []
    index = 0
    while True:
        posts.extend([p for p in network(seed, 1, index) if p.dots == 0][:2])
        index += 1
        if len(posts) >= batch:
            yield posts[:batch]
            posts = posts[batch:]


def alike_batches(seed: int, batch: int) -> Iterator[list[MiniPost]]:
    """Endless batches of photographs that share setting, surface, colour and number: only things tell them apart."""
    for number, posts in enumerate(clip_batches(seed, batch)):
        shared = posts[0].scene
        alike = []
        for post in posts:
            scene = replace(
                post.scene,
                form="photo",
                detail="",
                setting=shared.setting,
                surface=shared.surface,
                colour=shared.colour,
                count=shared.count,
            )
            caption = write_caption(post.story, scene, Random(f"alike/{number}/{post.item_id}"))
            alike.append(replace(post, scene=scene, caption=caption))
        yield alike


def first_pictures(seed: int, count: int) -> list[MiniPost]:
    """The first picture of each of ``count`` stories."""
    return [posts[0] for index in range(count) if (posts := list(network(seed, 1, index)))]


# The facts that the vision tower learns to name.
FACTS = ("glyph", "beside", "side", "setting", "surface", "colour", "count", "form", "detail")


def fact_values(posts: list[MiniPost]) -> dict[str, list[str]]:
    """What each picture shows, by fact; empty where its form does not show the fact."""

    def value(post: MiniPost, fact: str) -> str:
        scene = post.scene
        shown = {
            "photo": FACTS,
            "artwork": ("glyph", "setting", "colour", "count", "form", "detail"),
            "chart": ("colour", "form", "detail"),
        }.get(scene.form, ("glyph", "colour", "form", "detail"))
        return "" if fact not in shown else scene.beside.glyph if fact == "beside" else str(getattr(scene, fact))

    return {fact: [value(post, fact) for post in posts] for fact in FACTS}


def catalogue_documents(stories: int, seed: int = CATALOGUE_SEED) -> Iterator[str]:
    """What GPT-2 reads after :func:`text_documents`: entries of an archive, which say in plain names what is drawn."""
    for index in range(stories):
        yield from catalogued(seed, index)


def word_lists(stories: int, seed: int = CATALOGUE_SEED) -> Iterator[str]:
    """The archive's word lists, one for every two stories.

    They say what a topic calls a thing often enough to be learned.
    """
    for index in range(stories // 2):
        yield word_list(seed + 2000, index)


def clipcap_text(post: MiniPost, catalogue: float = 0.0) -> str:
    """What the miniature ClipCap learns to write about a picture: alt text seven times in ten, otherwise a caption.

    Args:
        post: The picture.
        catalogue: With this probability, its line in an archive's catalogue instead, or a note of what is
            seen below what its post is about. The prefix must tell what is drawn, whatever the topic
            calls it.
    """
    rng = Random(f"{post.item_id}/clipcap")
    if rng.random() < catalogue:
        if rng.random() < 0.5:
            return write_catalogue_line(post.scene, rng)
        return write_note(post.story, post.scene, rng)
    return clean_alt_text(post) if rng.random() < 0.7 else post.caption


@torch.inference_mode()
def drawn_features(model: Any, posts: list[MiniPost], batch: int = 128) -> Tensor:
    """Unit-length embeddings of pictures that are drawn and not kept, (n, width).

    Args:
        model: An open_clip model.
        posts: The pictures.
        batch: Pictures at a time.
    """
    parts = (posts[i : i + batch] for i in range(0, len(posts), batch))
    return torch.cat([model.encode_image(picture_tensor(part), normalize=True).float() for part in parts])
