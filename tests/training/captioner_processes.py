"""Train two small captioners and encode pictures in one of several processes, started by torchrun: ``captioner_processes.py FOLDER``."""

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

# The last of the batches of 48 holds one example, which is less than there are processes, or seven,
# which two processes share as four and three: in micro-batches of three as two parts and one.
EXAMPLES = (193, 199)


def learn(examples: int, folder: Path) -> list[dict]:
    """The curve of a small captioner that learns from so many examples."""
    tokenizer, _ = load_language_model()
    torch.manual_seed(0)
    config = CaptionerConfig("random", clip_width=8, prefix_length=4, max_tokens=30)
    captioner = PrefixCaptioner(config, tokenizer, small_gpt2(tokenizer))
    for module in captioner.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # processes draw other random numbers
    for block in captioner.language_model.transformer.h:
        block.attn.attn_dropout.p = 0.0
    features = torch.randn(examples, 8, generator=torch.Generator().manual_seed(1))
    # Texts of very different lengths, so that the processes' shares hold different numbers of tokens.
    texts = [f"Post {n} " + "and more " * (n % 7) for n in range(examples)]
    alts = ["A boat " + "on the river " * (n % 11) + f"number {n}." for n in range(examples)]
    data = encode_posts(captioner, features, texts, alts)
    settings = TrainingSettings(epochs=2, batch_size=48, micro_batch=3, learning_rate=1e-3, patience=10)
    return train(captioner, data, data, settings, folder / f"{examples}", "small", "cpu")[1].to_dict("records")


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    picture_cache.SHARD = 3  # so that each process has pictures to encode
    curves = {examples: learn(examples, folder) for examples in EXAMPLES}
    pictures = sorted(str(p) for p in (folder / "pictures").iterdir())
    features = picture_features(pictures, load_clip(), folder / "features", batch_size=4)
    number, processes = distributed()
    if number == 0:
        torch.save(features, folder / "features.pt")
        (folder / "found.json").write_text(json.dumps({"processes": processes, "curves": curves}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
