"""What full fine-tuning and LoRA reach and keep with each setting of a small grid, on the corpus of a finished run.

As in Zur et al. (2024, appendix B), chapter 06 takes the learning rate of full fine-tuning with
the highest accuracy on validation pictures, here one for both objectives, over all seeds. What
each setting keeps of the transfer tasks (on the half that chooses checkpoints) stands beside it,
and LoRA's settings show how much depends on them.
"""

import argparse
import tempfile
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from altlib.core.parallel import side_by_side
from altlib.data import described
from altlib.evaluation import transfer
from altlib.models.clip import load_clip
from altlib.models.description_clip import TuningSettings
from altlib.models.triplets import tuning_triplets
from altlib.training.tuning_study import TuningStudy

GRID = {
    "full": [{"learning_rate": rate} for rate in (1e-4, 4e-4, 1e-3)],
    "lora": [
        {"rank": 16, "targets": "attention", "learning_rate": 1e-3},
        {"rank": 8, "targets": "query-value", "learning_rate": 2e-3},
        {"rank": 1, "targets": "query-value", "learning_rate": 6e-3},
        {"rank": 1, "targets": "query-value", "learning_rate": 1e-2},
    ],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/workshop"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=150)
    options = parser.parse_args()
    run, base = options.run.resolve(), load_clip()
    if not (run / "corpus" / "posts.parquet").is_file():
        print(f"there is no finished run in {run}: `make book` makes one")
        return
    posts, _ = described.triplet_posts(run)
    split = {
        name: tuning_triplets(described.sample_rows(posts, name, limit, 0), base, run / "features")
        for name, limit in (("train", 0), ("val", 250))
    }
    study = TuningStudy(run, base, split, transfer.miniworld_tasks(base, run / "transfer", 4, 0), "cpu")
    print(f"untuned: accuracy {100 * study.untuned.accuracy:.1f}%")
    with tempfile.TemporaryDirectory() as kept:
        for tuning, grid in GRID.items():
            for number, setting in enumerate(grid):
                jobs = {}
                for objective, seed in product(("behavioural", "iit-das"), range(options.seeds)):
                    plan = TuningSettings(
                        objective=objective, tuning=tuning, layer=2, subspace=64, dropout=0.0, seed=seed,
                        steps=options.steps, evaluations=3, **setting,
                    )  # fmt: skip
                    folder = Path(kept) / tuning / str(number) / plan.name
                    jobs[plan.name] = partial(study.tune, plan, folder)
                side_by_side(jobs, f"{tuning} {number + 1} of {len(grid)}")
                found = {}
                for name, job in jobs.items():
                    curve = job()[1]
                    best = curve.loc[curve["trade_off"].idxmax()]
                    found.setdefault(name.rsplit("-", 2)[0], []).append((best["accuracy"], best["transfer_score"]))
                means = {o: 100 * np.mean(rows, axis=0) for o, rows in found.items()}
                both = np.mean([m[0] for m in means.values()])
                each = "; ".join(f"{o} {m[0]:.1f}%, keeps {m[1]:.0f}%" for o, m in means.items())
                print(f"{tuning} {setting}: accuracy of both {both:.1f}% ({each})", flush=True)


if __name__ == "__main__":
    main()
