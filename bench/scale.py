"""Time and peak memory of what a corpus of the paper's size needs besides the models, on synthetic data.

Each step runs in a process of its own, so that its peak memory is its own: training input
(tokens, batches), CLIP features read from their cache, the nearest neighbour of every test
picture, and the metrics. Near-duplicates have a bench of their own. Ends with what follows for
ten million pictures where a step grows with the number of pictures.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from random import Random

PAPER = 371_270
TEST_SHARE = 20_260 / PAPER
VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "n", "r", "st", "ll")]


def synthetic_texts(n, mean_words, seed):
    """``n`` texts of about the paper's lengths in made-up words."""
    rng = Random(seed)
    for _ in range(n):
        yield " ".join(rng.choices(VOCABULARY, k=max(3, int(rng.gauss(mean_words, 10)))))


def training_input(n):
    """Tokens of all posts and alt texts, and the batches of one pass."""
    from altlib.backbones import load_language_model
    from altlib.captioner import CaptionerConfig, PrefixCaptioner
    from altlib.training import bucketed_batches, encode_posts, example_length

    tokenizer, model = load_language_model()
    captioner = PrefixCaptioner(CaptionerConfig("miniature", clip_width=8), tokenizer, model)
    import torch

    texts, alts = list(synthetic_texts(n, 18, 1)), list(synthetic_texts(n, 17, 2))
    data = encode_posts(captioner, torch.zeros(n, 8), texts, alts)
    batches = bucketed_batches([example_length(e) for e in data.examples], 100, 0, 0)
    return f"{len(batches):,} batches"


def cached_features(n):
    """Writing and reading 512 numbers a picture in shards of 1,024."""
    import torch
    from safetensors.torch import load_file, save_file

    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, n, 1024):
            save_file({"features": torch.randn(min(1024, n - start), 512)}, Path(folder) / f"{start}.safetensors")
        size = sum(p.stat().st_size for p in Path(folder).iterdir())
        features = torch.cat([load_file(p)["features"] for p in sorted(Path(folder).iterdir())])
    return f"{len(features):,} features, {size / 2**20:,.0f} MiB on disk"


def neighbours(n):
    """The nearest of all training pictures for every test picture, 512 numbers each."""
    import torch

    from altlib.baselines import nearest_neighbours

    corpus = torch.nn.functional.normalize(torch.randn(n, 512), dim=-1)
    queries = torch.nn.functional.normalize(torch.randn(int(n * TEST_SHARE), 512), dim=-1)
    return f"{len(nearest_neighbours(queries, corpus)):,} queries"


def metrics_of(n):
    """All metrics of one system with bootstrap intervals over the test pictures."""
    from altlib.metrics import score_systems

    count = int(n * TEST_SHARE)
    gold = list(synthetic_texts(count, 17, 3))
    rng = Random(4)
    written = [" ".join(w if rng.random() < 0.6 else rng.choice(VOCABULARY) for w in g.split()) for g in gold]
    scores = score_systems({"synthetic": written}, gold)["synthetic"]
    return f"{count:,} texts, BLEU@4 {scores.values['BLEU@4']:.1f}"


STEPS = {
    "training input": training_input,
    "feature cache": cached_features,
    "nearest neighbour": neighbours,
    "metrics": metrics_of,
}


def child(name, n, sender):
    """Run a step and send what it found, its seconds and its peak memory in MiB."""
    import torch

    torch.set_grad_enabled(False)
    start = time.perf_counter()
    found = STEPS[name](n)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sender.send((found, time.perf_counter() - start, own / 1024))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20_000, help=f"the paper has {PAPER:,}")
    parser.add_argument("--steps", nargs="*", default=list(STEPS), choices=list(STEPS))
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for name in options.steps:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=child, args=(name, options.pictures, sender))
        process.start()
        sender.close()
        found, seconds, peak = receiver.recv()
        process.join()
        factor = 10_000_000 / options.pictures
        # The nearest neighbour compares every test picture with every training picture.
        growth = factor**2 if name == "nearest neighbour" else factor
        print(
            f"{name}: {options.pictures:,} pictures, {found}: {seconds:.1f} s, peak {peak / 1024:.2f} GiB; "
            f"ten million: about {seconds * growth / 3600:.1f} h and {peak / 1024 * factor:.0f} GiB at most"
        )


if __name__ == "__main__":
    main()
