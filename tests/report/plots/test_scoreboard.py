"""How many claims hold, as a figure."""

import pandas as pd

from altlib.report.plots.scoreboard import verdict_bars


def test_the_alt_text_tells_every_count():
    rows = [("A (2024)", 3, 1, 4, 0, 2, 10), ("all", 3, 1, 4, 0, 2, 10)]
    columns = ["work", "holds", "does not hold", "undecided", "not comparable", "not run", "together"]
    page = verdict_bars(pd.DataFrame(rows, columns=columns)).data
    assert (
        "A (2024): 3 holds, 1 does not hold, 4 undecided, 0 not comparable, 2 not run." in page and "all:" not in page
    )
