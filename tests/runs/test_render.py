"""The pages of a run."""

from pathlib import Path

from altlib.runs.parameters import Chapter, parse_cell
from altlib.runs.render import parameters_page

CELL = """
run_folder: str = "runs/x"  # folder of the run
steps: int = 4  # points of the integral [2, 1000]
mapper: str = "mlp"  # mapping network {mlp, transformer}
writer: str = "miniature"  # writes a|b <model: causal language model; miniature>
norms: str = ""  # ratings <path: a CSV file of words and ratings>
seed: int = 0  # seed
"""


def test_the_page_of_parameters_says_what_each_may_be():
    chapter = Chapter("first", Path("01-first.ipynb"), "First", parse_cell(CELL, "cell"), (), ())
    page = parameters_page([chapter], {"first": {"steps": 8, "mapper": "mlp", "writer": "x", "norms": "", "seed": 0}})
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert rows == [
        ["`steps`", "int", "`4`", "`8`", "points of the integral", "2 to 1,000"],
        ["`mapper`", "str", '`"mlp"`', '`"mlp"`', "mapping network", "mlp, transformer"],
        [
            *("`writer`", "str", '`"miniature"`', '`"x"`', "writes a\\|b"),
            "miniature, causal language model (its name on the hub, or a folder)",
        ],
        ["`norms`", "str", '`""`', '`""`', "ratings", "a CSV file of words and ratings"],
        ["`seed`", "int", "`0`", "`0`", "seed", "any"],
    ]
