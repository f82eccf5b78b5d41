"""Encode pictures and train a small captioner under ``accelerate launch``: ``distributed_training.py FOLDER``."""

import json
import sys
from pathlib import Path

import torch

from altlib.core.devices import distributed
from altlib.models import features as picture_cache
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.models.clip import load_clip
from altlib.models.features import picture_features
from altlib.models.language import load_language_model
from altlib.training.captions import TrainingSettings, train
from altlib.training.examples import encode_posts
from tests.conftest import small_gpt2

EXAMPLES, BATCH = 200, 16


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    picture_cache.SHARD = 3
    tokenizer, _ = load_language_model()
    torch.manual_seed(0)
    captioner = PrefixCaptioner(
        CaptionerConfig("random", clip_width=8, prefix_length=4, max_tokens=30), tokenizer, small_gpt2(tokenizer)
    )
    features = torch.randn(EXAMPLES, 8, generator=torch.Generator().manual_seed(1))
    # Texts of very different lengths, so that the processes' shares hold different numbers of tokens.
    texts = [f"Post {n} " + "and more " * (n % 7) for n in range(EXAMPLES)]
    alts = ["A boat " + "on the river " * (n % 11) + f"number {n}." for n in range(EXAMPLES)]
    data = encode_posts(captioner, features, texts, alts)
    # 13 updates a pass, four passes: 52 in all; the last batch of a pass does not divide by two.
    settings = TrainingSettings(epochs=4, batch_size=BATCH, micro_batch=3, learning_rate=1e-3, patience=10)
    _, curve = train(captioner, data, data, settings, folder / "captioner", "small", "cpu")
    pictures = sorted(str(p) for p in (folder / "pictures").iterdir())
    encoded = picture_features(pictures, load_clip(), folder / "features", batch_size=4)
    if distributed()[0] == 0:
        torch.save(encoded, folder / "features.pt")
        (folder / "curve.json").write_text(json.dumps(curve.to_dict("records")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
