"""Time and peak memory of what a corpus of the paper's size needs besides the models, on synthetic data.

Each step runs in a process of its own, so that its peak memory is its own: cleaning (without
opening pictures), training input (tokens, batches), CLIP features read from their cache, the
nearest neighbour of every test picture, and the metrics. Near-duplicates have a bench of their
own. Each is measured at a quarter of the size, too: the two give what grows with the number of
pictures and what does not, and so what ten million would take.
"""

import argparse
import math
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from random import Random

PAPER = 371_270
TEN_MILLION = 10_000_000
TEST_SHARE = 20_260 / PAPER
VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "n", "r", "st", "ll")]


def synthetic_texts(n, mean_words, seed):
    """``n`` texts of about the paper's lengths in made-up words."""
    rng = Random(seed)
    for _ in range(n):
        yield " ".join(rng.choices(VOCABULARY, k=max(3, int(rng.gauss(mean_words, 10)))))


def cleaning_pass(n):
    """All filters over posts that stream by, then the identical alt texts; twice the paper's length of posts."""
    from altlib.data.cleaning.pipeline import clean
    from altlib.data.posts import as_posts

    def frames():
        for start in range(0, n, 4096):
            rows = range(start, min(start + 4096, n))
            texts = zip(synthetic_texts(len(rows), 36, start), synthetic_texts(len(rows), 17, start + 1), strict=True)
            yield as_posts(
                [
                    {"item_id": f"item-{i}", "post_id": f"post-{i // 2}", "image": f"{i}.png", "text": t, "alt_text": a}
                    for i, (t, a) in zip(rows, texts, strict=True)
                ]
            )

    with tempfile.TemporaryDirectory() as folder:
        parts, log = clean(frames(), Path(folder), check_pictures=False)
        size = sum(p.stat().st_size for p in Path(folder).iterdir())
        return f"{len(parts.index):,} kept of {log.collected:,}, {size / 2**20:,.0f} MiB on disk meanwhile"


def random_features(n, folder):
    """``n`` random unit vectors of 512 numbers, from shards of 1,024 as a chapter reads them."""
    import torch
    from safetensors.torch import load_file, save_file

    from altlib.models.features import gathered

    files = [folder / f"{start}.safetensors" for start in range(0, n, 1024)]
    for i, file in enumerate(files):
        rows = torch.randn(min(1024, n - 1024 * i), 512)
        save_file({"features": torch.nn.functional.normalize(rows, dim=-1)}, file)
    return gathered((load_file(file)["features"] for file in files), folder / "all.npy", (n, 512))


def training_input(n):
    """Tokens of all posts and alt texts as they stream by, and the batches of one pass with their features."""
    from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
    from altlib.models.language import load_language_model
    from altlib.training.examples import CaptionData, Examples, bucketed_batches

    tokenizer, model = load_language_model()
    captioner = PrefixCaptioner(CaptionerConfig("miniature", clip_width=512), tokenizer, model)
    texts = zip(synthetic_texts(n, 18, 1), synthetic_texts(n, 17, 2), strict=True)
    with tempfile.TemporaryDirectory() as folder:
        features = random_features(n, Path(folder))
        examples = Examples((captioner.encode(text, alt_text) for text, alt_text in texts), Path(folder))
        data = CaptionData(features, examples)
        batches = bucketed_batches(examples.lengths(), 100, 0, 0)
        tokens = sum(len(e.alt_text) for chosen in batches for e in data.batch(chosen)[1])
    return f"{len(batches):,} batches, {tokens:,} tokens of alt text"


def cached_features(n):
    """Writing and reading 512 numbers a picture in shards of 1,024."""
    with tempfile.TemporaryDirectory() as folder:
        features = random_features(n, Path(folder))
        size = sum(p.stat().st_size for p in Path(folder).iterdir())
        total = sum(float(part.sum()) for part in features.split(1024))
    return f"{len(features):,} features that add up to {total:.0f}, {size / 2**20:,.0f} MiB on disk"


def neighbours(n):
    """The nearest of all training pictures for every test picture, 512 numbers each."""
    import torch

    from altlib.generation.baselines import nearest_neighbours

    queries = torch.nn.functional.normalize(torch.randn(int(n * TEST_SHARE), 512), dim=-1)
    with tempfile.TemporaryDirectory() as folder:
        return f"{len(nearest_neighbours(queries, random_features(n, Path(folder)))):,} queries"


def metrics_of(n):
    """All metrics of one system with bootstrap intervals over the test pictures."""
    from altlib.evaluation.caption_metrics import score_systems

    count = int(n * TEST_SHARE)
    gold = list(synthetic_texts(count, 17, 3))
    rng = Random(4)
    written = [" ".join(w if rng.random() < 0.6 else rng.choice(VOCABULARY) for w in g.split()) for g in gold]
    scores = score_systems({"synthetic": written}, gold)["synthetic"]
    return f"{count:,} texts, BLEU@4 {scores['BLEU@4'].value:.1f}"


STEPS = {
    "cleaning": cleaning_pass,
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


def measured(name, n):
    """What a step found, its seconds and its peak memory in MiB, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(name, n, sender))
    process.start()
    sender.close()
    result = receiver.recv()
    process.join()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20_000, help=f"the paper has {PAPER:,}")
    parser.add_argument("--steps", nargs="*", default=list(STEPS), choices=list(STEPS))
    options = parser.parse_args()
    n = options.pictures
    for name in options.steps:
        _, some_seconds, some_peak = measured(name, n // 4)
        found, seconds, peak = measured(name, n)
        grows = max(0.0, peak - some_peak) / (n - n // 4)  # MiB a picture
        # How time grows, from the two sizes; a step that is mostly its start cannot grow slower than its pictures.
        power = max(1.0, math.log(seconds / some_seconds) / math.log(4))
        print(
            f"{name}: {n:,} pictures, {found}: {seconds:.1f} s, peak {peak / 1024:.2f} GiB, of which "
            f"{grows * n / 1024:.2f} GiB grow with the pictures; ten million: about "
            f"{seconds * (TEN_MILLION / n) ** power / 3600:.1f} h and {(peak + grows * (TEN_MILLION - n)) / 1024:.0f} GiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
