"""How much sooner two small training runs finish side by side, a core each, than one after the other with both cores."""

import tempfile
import time
from functools import partial
from pathlib import Path

import torch

from altlib.core.parallel import side_by_side
from altlib.models.captioner import CaptionerConfig, build_captioner
from altlib.models.clip import load_clip
from altlib.pretraining.world import clean_alt_text, drawn_features, first_pictures
from altlib.training.captions import TrainingSettings, train
from altlib.training.examples import encode_posts

PICTURES = 256


def one(features, posts, folder, seed):
    """Train a captioner of the default size for one epoch."""
    captioner = build_captioner(CaptionerConfig("miniature", clip_width=features.shape[1], max_tokens=100), seed)
    data = encode_posts(captioner, features, [p.text for p in posts], [clean_alt_text(p) for p in posts])
    train(captioner, data, data, TrainingSettings(epochs=1, batch_size=32, learning_rate=1e-3), folder, "bench", "cpu")


def main():
    clip, posts = load_clip(), first_pictures(7, PICTURES)
    features = drawn_features(clip.model, posts)
    seconds = {}
    with tempfile.TemporaryDirectory() as root:
        one(features, posts, Path(root) / "warm-up", 9)
        for label, workers in (("one after the other", 0), ("side by side", 2)):
            jobs = {s: partial(one, features, posts, Path(root) / f"{label} {s}", s) for s in (0, 1)}
            start = time.perf_counter()
            if workers:
                side_by_side(jobs, label, workers)
            else:
                for job in jobs.values():
                    job()
            seconds[label] = time.perf_counter() - start
    print(f"two captioners, {PICTURES} pictures each, {torch.get_num_threads()} threads in all")
    for label, value in seconds.items():
        print(f"{label}: {value:.1f} s")
    print(f"side by side is {seconds['one after the other'] / seconds['side by side']:.2f} times as fast")


if __name__ == "__main__":
    main()
