"""Examples a second in training: ours against a loop that pads to the longest and computes all logits.

The same GPT-2-size model with random weights, texts of the paper's lengths (alt text 40 tokens
on average, posts 46, both cropped at 150), Adam. The plain loop is float32, pads every example
to the longest possible and computes the logits of every position.
"""

import argparse
import time

import numpy as np
import torch
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from altlib.backbones import fuse_gelu, load_language_model, mixed_precision
from altlib.captioner import CaptionerConfig, Example, PrefixCaptioner
from altlib.training import CaptionData, Examples, TrainingSettings, bucketed_batches, example_length, update


def lengths(mean, n, rng):
    """Log-normal lengths with the given mean, at most 150 tokens."""
    return np.clip(rng.lognormal(np.log(mean) - 0.32, 0.8, n), 4, 150).astype(int)


def plain_step(captioner, features, examples, optimiser, longest):
    rows = [[*e.text, captioner.border, *e.alt_text, captioner.end] for e in examples]
    ids = torch.tensor([r + [captioner.end] * (longest - len(r)) for r in rows])
    labels = torch.full((len(rows), captioner.prefix_length + longest), -100)
    for i, (r, e) in enumerate(zip(rows, examples, strict=True)):
        first = captioner.prefix_length + len(e.text) + 1
        labels[i, first : captioner.prefix_length + len(r)] = torch.tensor(r[len(e.text) + 1 :])
    logits = captioner.language_model(inputs_embeds=captioner.inputs(features, ids), use_cache=False).logits
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss)


def main():
    from accelerate import Accelerator

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--plain-batch", type=int, default=4)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    tokenizer, _ = load_language_model()
    captioner = PrefixCaptioner(
        CaptionerConfig("gpt2-size", clip_width=512, max_tokens=150), tokenizer, GPT2LMHeadModel(GPT2Config())
    ).train()
    captioner.end = 50256
    n = 5000
    examples = [
        Example(rng.integers(0, 50000, t).tolist(), rng.integers(0, 50000, a).tolist())
        for t, a in zip(lengths(46, n, rng), lengths(40, n, rng), strict=True)
    ]
    data = CaptionData(F.normalize(torch.randn(n, 512), dim=-1), Examples(examples))
    learning = list(captioner.parameters())
    optimiser = torch.optim.Adam(learning, lr=1e-4, fused=True)
    precision = mixed_precision("cpu")
    settings = TrainingSettings(batch_size=options.batch)
    accelerator = Accelerator(cpu=True)
    plain = torch.optim.Adam(learning, lr=1e-4)
    chosen = list(range(options.plain_batch))
    plain_step(captioner, *data.batch(chosen[:1]), plain, longest=302)
    start = time.perf_counter()
    plain_step(captioner, *data.batch(chosen), plain, longest=302)
    theirs = options.plain_batch / (time.perf_counter() - start)
    fuse_gelu(captioner)
    batches = bucketed_batches([example_length(e) for e in examples], options.batch, 0, 0)[: options.batches]
    update(captioner, data, batches[0][:4], optimiser, learning, settings, accelerator, precision)
    start = time.perf_counter()
    for rows in batches:
        update(captioner, data, rows, optimiser, learning, settings, accelerator, precision)
    ours = options.batch * len(batches) / (time.perf_counter() - start)
    means = np.mean([[len(e.text), len(e.alt_text)] for e in examples], axis=0)
    print(f"posts of {means[0]:.0f} tokens, alt texts of {means[1]:.0f} on average")
    print(
        f"plain loop, float32: {theirs:.2f} examples/s; ours, {str(precision).removeprefix('torch.')}: {ours:.2f} examples/s; ratio {ours / theirs:.1f}"
    )


if __name__ == "__main__":
    main()
