"""The "None" rows of Zur et al. (2024, Table 2) from the published ratings and CLIPScores of Kreiss et al. (2022).

    git clone https://github.com/elisakreiss/contextual-description-evaluation data/contextual-description-evaluation
    python bench/published_ratings.py data/contextual-description-evaluation

Beside each correlation stand the paper's, what the text's length alone would score, and the
correlation with length taken out. The paper prints two digits; one of them (blind people, overall)
comes out only if a number is rounded twice, first to three.
"""

import argparse
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from altlib.evaluation import ratings
from altlib.published.tables import published_table


def rounded(r: float, *digits: str) -> Decimal:
    """``r`` rounded to each of ``digits`` in turn, halves away from zero."""
    number = Decimal(r)
    for step in digits:
        number = number.quantize(Decimal(step), ROUND_HALF_UP)
    return number


def verdict(r: float, printed: float) -> str:
    """How the paper's number follows from ours."""
    paper = Decimal(str(printed)).quantize(Decimal("0.01"))
    if rounded(r, "0.01") == paper:
        return "equal"
    return "equal, rounded twice" if rounded(r, "0.001", "0.01") == paper else "different"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("data/contextual-description-evaluation"), help="the clone"
    )
    folder = parser.parse_args().folder
    if not folder.is_dir():
        print(f"{folder} does not exist: clone https://github.com/elisakreiss/contextual-description-evaluation there")
        return 0
    measured = ratings.correlations(
        ratings.read_ratings(folder / "behavioral_data"),
        ratings.read_scores(folder / "metrics" / "clipscore" / "results" / "cosid-clipscores.csv"),
    )
    paper = published_table("clip-table2")
    paper = paper[paper["objective"] == "none"].melt(
        id_vars="group", value_vars=list(ratings.QUESTIONS), value_name="paper"
    )
    both = measured.merge(paper, left_on=["group", "question"], right_on=["group", "variable"], how="left")
    both["paper"] = both["paper"].astype(float)
    both["verdict"] = [verdict(r, printed) for r, printed in zip(both["r"], both["paper"], strict=True)]
    shown = ["group", "question", "items", "without_score", "r", "paper", "verdict", "length_r", "partial_r"]
    print(both[shown].to_string(index=False, float_format="{:.4f}".format))
    different = int((both["verdict"] == "different").sum())
    print(f"{len(both) - different} of {len(both)} as in the paper")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
