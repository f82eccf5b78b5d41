"""How much CIDEr's 95% intervals miss if its document frequencies are held fixed, and what counting them costs.

    python bench/cider_intervals.py

The captions are those of two systems that need no training, for pictures of the miniature world:
the alt text of the most similar of 500 other pictures, and the frozen miniature ClipCap (greedy).

Measured: with 50 pictures, intervals with counted frequencies are 0.80 and 0.91 times as wide as
with fixed ones, with 200 pictures 0.92 and 0.94 times, with 1,000 pictures 0.95 and 1.01 times, and
their ends move by up to 7.6, 1.1 and 0.6 points. A thousand resamples of 1,000 pictures take 0.7 s.
"""

import time

import numpy as np

from altlib.core.estimates import Estimate
from altlib.core.statistics import resample_counts
from altlib.evaluation.caption_metrics import ptb_tokenize
from altlib.evaluation.cider import cider, cider_resamples
from altlib.generation.baselines import nearest_neighbours
from altlib.generation.decoding import Decoding, best_texts, decode
from altlib.models.clip import load_clip
from altlib.models.clipcap import start_from_clipcap
from altlib.models.language import load_language_model
from altlib.pretraining.clipcap import build_captioner_on
from altlib.pretraining.world import clean_alt_text, drawn_features, first_pictures

TRAINING, LARGEST = 500, 1000


def main():
    clip, posts = load_clip(), first_pictures(11, TRAINING + LARGEST)
    features = drawn_features(clip.model, posts)
    texts = ptb_tokenize([clean_alt_text(p) for p in posts])
    captioner = build_captioner_on(clip, *load_language_model(), 0)
    start_from_clipcap(captioner, "miniature")
    settings = Decoding(beams=1, max_tokens=60)
    written = best_texts(decode(captioner.eval(), features[TRAINING:], [""] * LARGEST, settings))
    nearest = nearest_neighbours(features[TRAINING:], features[:TRAINING])
    systems = {"nearest neighbour": [texts[i] for i in nearest.tolist()], "frozen ClipCap": ptb_tokenize(written)}
    print("pictures  system             CIDEr  frequencies fixed  frequencies counted  width  seconds")
    for pictures in (50, 200, LARGEST):
        gold = [[text] for text in texts[TRAINING : TRAINING + pictures]]
        counts = resample_counts(pictures, 0)
        for name, captions in systems.items():
            each = cider(captions[:pictures], gold)
            started = time.perf_counter()
            counted = Estimate(each.mean(), cider_resamples(captions[:pictures], gold, counts))
            seconds = time.perf_counter() - started
            fixed = Estimate(each.mean(), counts @ each / pictures)
            width = np.ptp(counted.interval) / np.ptp(fixed.interval)
            shown = [f"[{100 * low:6.2f}, {100 * high:6.2f}]" for low, high in (fixed.interval, counted.interval)]
            print(
                f"{pictures:8}  {name:17} {100 * each.mean():6.2f}   {shown[0]}     {shown[1]}  {width:5.2f}  {seconds:7.2f}"
            )


if __name__ == "__main__":
    main()
