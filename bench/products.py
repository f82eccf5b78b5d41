"""How much faster a captioner trains on one core when oneDNN computes float32 products in place of MKL, see altlib.core.devices.

Updates of both kinds alternate; the batches have other lengths each time, as in a chapter.

    python bench/products.py

Measured on an AMD processor with avx512_bf16: 1.4 times as fast.
"""

import statistics
import time

import torch

from altlib.core.devices import multiply_by_onednn
from altlib.models.captioner import CaptionerConfig, Example, build_captioner

UPDATES, PICTURES = 12, 32


def update(captioner, number):
    """Seconds of processor time that a batch's gradients take."""
    made = torch.Generator().manual_seed(number)
    features = torch.randn(PICTURES, captioner.config.clip_width, generator=made)

    def text(tokens):
        return torch.randint(0, 1000, (tokens,), generator=made).tolist()

    examples = [Example(text(35 + number + i % 7), text(35 + number - i % 5)) for i in range(PICTURES)]
    started = time.process_time()
    captioner(features, examples).backward()
    return time.process_time() - started


def choose(onednn):
    """Compute products by oneDNN where that pays, or as torch does by itself."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.enable_flash_sdp(True)
    if onednn and not multiply_by_onednn():
        raise SystemExit("this processor computes products as torch does by itself")


def main():
    """Measure and print."""
    torch.set_num_threads(1)
    captioner = build_captioner(CaptionerConfig("miniature", clip_width=192, max_tokens=100), 0)
    seconds = {True: [], False: []}
    for number in range(-1, UPDATES):
        for onednn in (True, False):
            choose(onednn)
            took = update(captioner, max(number, 0))
            if number >= 0:  # the first one warms up
                seconds[onednn].append(took)
    own, usual = (statistics.median(seconds[onednn]) for onednn in (True, False))
    print(f"{1000 * usual:.0f} ms an update, {1000 * own:.0f} ms with oneDNN: {usual / own:.2f} times as fast")


if __name__ == "__main__":
    main()
