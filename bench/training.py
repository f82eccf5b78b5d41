"""Examples a second in training: ours against a loop that pads to the longest and computes all logits.

The same GPT-2-size model with random weights, texts of the paper's lengths (alt text 40 tokens
on average, posts 46, both cropped at 150), Adam. The plain loop is float32, pads every example
to the longest possible and computes the logits of every position. Both take turns, so that a
machine that is slow for a while is slow for both. Beside the times stands how many operations
either needs for an example: what bf16, where the processor has it, comes on top of.
"""

import argparse
import copy
import time
from functools import partial

import numpy as np
import torch
from decoding import product_rate
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm
from transformers import GPT2Config, GPT2LMHeadModel

from altlib.core.devices import precision_name
from altlib.models.captioner import CaptionerConfig, Example, PrefixCaptioner
from altlib.models.language import fuse_gelu, load_language_model
from altlib.training.captions import CaptionLearner, TrainingSettings
from altlib.training.examples import CaptionData, Examples, bucketed_batches, example_length
from altlib.training.loop import update


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
    return float(loss.detach())


def main():
    from accelerate import Accelerator

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4)
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
    precision = captioner.precision
    settings = TrainingSettings(batch_size=options.batch)
    learner = CaptionLearner(captioner, data, data, settings, Accelerator(cpu=True), precision, "bench")
    batches = bucketed_batches([example_length(e) for e in examples], options.batch, 0, 0)[: options.rounds]
    few = list(range(options.plain_batch))
    slow = copy.deepcopy(captioner)  # with the activation function as transformers has it
    fuse_gelu(captioner)
    plain = torch.optim.Adam(slow.parameters(), lr=1e-4)
    optimiser = torch.optim.Adam(learning, lr=1e-4, fused=True)

    def step_plainly():
        plain_step(slow, *data.batch(few), plain, longest=302)

    def step(rows):
        update(learner, optimiser, rows, settings.gradient_clip)

    with FlopCounterMode(display=False) as plain_operations:
        step_plainly()
    with FlopCounterMode(display=False) as operations:
        for rows in batches:
            step(rows)
    seconds = np.zeros(2)
    for rows in tqdm(batches, desc="rounds", leave=False):
        for i, run in enumerate((step_plainly, partial(step, rows))):
            start = time.perf_counter()
            run()
            seconds[i] += time.perf_counter() - start
    theirs, ours = options.rounds * np.array([options.plain_batch, options.batch]) / seconds
    needed = np.array(
        [plain_operations.get_total_flops() / len(few), operations.get_total_flops() / sum(map(len, batches))]
    )
    means = np.mean([[len(e.text), len(e.alt_text)] for e in examples], axis=0)
    print(f"posts of {means[0]:.0f} tokens, alt texts of {means[1]:.0f} on average")
    print(
        f"plain loop, float32: {theirs:.2f} examples/s; ours, {precision_name(precision)}: {ours:.2f} examples/s; ratio {ours / theirs:.1f}"
    )
    limit = product_rate(precision)
    print(
        f"ours computes {ours * needed[1] / 1e9:.0f} GFLOP/s, {100 * ours * needed[1] / limit:.0f}% of the "
        f"{limit / 1e9:.0f} GFLOP/s of a large matrix product in the same type"
    )
    print(
        f"operations an example: {needed[0] / 1e9:.0f} and {needed[1] / 1e9:.0f} x 10^9, ratio {needed[0] / needed[1]:.1f}"
    )


if __name__ == "__main__":
    main()
