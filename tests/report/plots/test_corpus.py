"""Plots of a corpus."""

import pandas as pd

from altlib.report.plots.corpus import length_histograms


def test_the_lengths_of_texts_are_told_and_drawn(alt_of, drawn):
    lengths = {
        "alt_text": pd.DataFrame({"characters": [10, 20, 30, 40, 500]}),
        "text": pd.DataFrame({"characters": [5, 5, 5, 5]}),
    }
    alt = alt_of(length_histograms(lengths))
    assert (
        "The alt texts have a median of 30 characters, half of them between 20 and 40; 20% are longer than 400." in alt
    )
    assert "The posts have a median of 5 characters" in alt
    axis = drawn[0].axes[0]
    assert sum(patch.get_height() for patch in axis.patches) == 9  # the longest text is counted, too
    assert "characters" in axis.get_xlabel() and axis.get_ylabel() == "pictures"
