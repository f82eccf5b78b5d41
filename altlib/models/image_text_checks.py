"""Checks of an image-text-to-text model before it learns, on a first example: models that would learn something else are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from altlib.core.devices import precision_name
from altlib.core.errors import BackboneError
from altlib.models.policy import autocast, precision_of
from altlib.models.response_trees import Branch, Tree

# Kinds that hand masks and positions to their language model unchanged, so that responses can share a prompt.
# Other kinds read each response in a row of its own.
SHARE_PROMPTS = ("llava", "llava_next")

POSTS = ("Brew day!", "Seen at the quay.")  # of the check
TRIED = ("Two growlers on a red cloth.", "A tall ship.")  # responses of the check
TRIED_TOKENS = 4
# How far two computations of the same may be apart: in spreads of the words' log-probabilities, and in nats per token.
# Small models in bfloat16 are 0.004 spreads apart; PaliGemma with the wrong attention is 0.1 apart.
ROUNDING = {torch.float32: 0.01, torch.bfloat16: 0.05}
SOMETHING = 1e-4  # spreads; what is less is no change
IMPOSSIBLE = (
    -1e4
)  # nats; words that a model never writes, such as those in a picture's place, are masked by such values

# What models are told when they write. Penalties that they were published with, such as for repetition, stay.
PLAIN = {"do_sample": False, "num_return_sequences": 1, "return_dict_in_generate": False}


def check_precision(policy: Any) -> None:
    """Refuse weights that the model cannot compute with on its device.

    Raises:
        BackboneError: Weights that do not learn are neither float32 nor of the number type that is computed with.
    """
    precision = precision_of(policy)
    other = {p.dtype for p in policy.parameters() if not p.requires_grad} - {torch.float32, precision}
    if other:
        raise BackboneError(
            f"the model's weights are {precision_name(other.pop())}, but it computes in {precision_name(precision)} on "
            f"{policy.device}; load it by load_image_text_policy, or in float32"
        )


@contextmanager
def first_example(model: Any) -> Iterator[None]:
    """Say of which model a first example failed, whatever it is that failed within it.

    Raises:
        BackboneError: In place of what was raised, unless memory was too small.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, BackboneError | torch.OutOfMemoryError) or "out of memory" in str(error):
            raise
        raise BackboneError(f"{cannot(model)}: reading or writing a first example failed: {error}") from error


def cannot(model: Any) -> str:
    """The beginning of a refusal."""
    return f"{type(model).__name__} cannot be trained here"


def tried_picture(turned: bool) -> Image.Image:
    """One of two pictures: brightness grows to one side, or to the other."""
    grey = Image.linear_gradient("L").resize((64, 64))
    return grey.rotate(180 if turned else 90).convert("RGB")


@torch.no_grad()
def check_scores(policy: Any) -> None:
    """Refuse a model that writes by other probabilities than it is scored by, or without the picture or the post.

    It writes a few tokens as it would write alt text. The probabilities of all words in their places, before any
    penalty, are compared with those that it would learn from, and must change with the picture and with the post.

    Raises:
        BackboneError: They differ, or do not change.
    """
    inputs, other_picture, other_post = (
        policy.reader.inputs(tried_picture(turned), policy.reader.prompt(post)).to(policy.device)
        for turned, post in ((False, POSTS[0]), (True, POSTS[0]), (False, POSTS[1]))
    )
    told = {"max_new_tokens": TRIED_TOKENS, "num_beams": 1, "output_logits": True, "return_dict_in_generate": True}
    with autocast(policy):
        out = policy.model.generate(**inputs, **{**PLAIN, **told, **policy.reader.telling})
        said = out.sequences[0, -len(out.logits) :].tolist()
        skipped = len(policy.reader.begin[1:])  # the decoder begins with them whatever it reads
        said, written = said[skipped:], torch.cat(out.logits[skipped:]).float().log_softmax(-1)
        scored = policy.next_words(inputs, said)
        for changed, what in ((other_picture, "picture"), (other_post, "post")):
            if apart(scored, policy.next_words(changed, said)) < SOMETHING:
                raise BackboneError(f"{cannot(policy.model)}: what it writes does not depend on the {what}")
    if not (found := apart(written, scored)) <= ROUNDING[precision_of(policy)]:
        raise BackboneError(
            f"{cannot(policy.model)}: it writes by other probabilities than it would learn from; their logarithms are "
            f"{found:.2f} of their spread apart"
        )


def apart(one: Tensor, other: Tensor) -> float:
    """How far two computations of log-probabilities are apart, (N, V) each, in standard deviations, where it is most.

    Words that both find impossible do not count. NaN if one has NaN; infinite if one alone finds a word impossible.
    """
    possible = one > IMPOSSIBLE
    if torch.isnan(one + other).any():
        return float("nan")
    if not torch.equal(possible, other > IMPOSSIBLE):
        return float("inf")
    rows = [(a[kept], b[kept]) for a, b, kept in zip(one, other, possible, strict=True)]
    return max(float((a - b).abs().mean() / a.std()) for a, b in rows)


@torch.no_grad()
def shares_prompts(policy: Any) -> bool:
    """Whether responses can be scored as trees (:mod:`altlib.models.response_trees`), which takes less time.

    For kinds that hand masks and positions to their language model unchanged, unless that attends to a part of
    what it has read only, or scores differ. Otherwise each response has a row with its own picture and post.
    """
    text = policy.model.config.get_text_config()
    if policy.model.config.model_type not in SHARE_PROMPTS or getattr(text, "sliding_window", None):
        return False
    picture, prompts = tried_picture(False), [policy.reader.prompt(post) for post in POSTS]
    empty, *whole = (policy.reader.inputs(picture, p).to(policy.device) for p in (policy.reader.empty, *prompts))
    responses = [policy.reader.response(said) for said in TRIED]
    branches = [Branch(policy.reader.after_picture(prompt), responses) for prompt in prompts]
    with autocast(policy):
        shared = policy.score_trees([Tree(policy.trunk(empty), branches)]).flatten().tolist()
        alone = [float(policy.score_alone(read, response)) for read in whole for response in responses]
    lengths = [len(response) for _ in whole for response in responses]
    rounding = ROUNDING[precision_of(policy)]
    return all(abs(a - b) <= rounding * n for a, b, n in zip(shared, alone, lengths, strict=True))
