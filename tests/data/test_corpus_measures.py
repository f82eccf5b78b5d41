"""What chapter 01 measured of a corpus."""

import numpy as np
import pandas as pd

from altlib.data.corpus_measures import VALUE, corpus_measures


def test_sizes_lengths_and_what_came_without_alt_text_are_measured():
    index = pd.DataFrame({"split": ["train", "train", "val", "test"]})
    steps = pd.DataFrame({"step": ["no alt text", "URL"], "pictures": [2, 1]})
    lengths = {c: pd.DataFrame({"characters": [10, 20, 30, 40], "tokens": [1, 2, 3, 4]}) for c in ("alt_text", "text")}
    found = corpus_measures(index, steps, 8, lengths)
    assert {name: found[name, VALUE].value for name, _ in found} == {
        "pictures without alt text": 25.0, "pictures after cleaning": 4, "training pictures": 2, "validation pictures": 1,
        "test pictures": 1, "alt text characters": 25, "alt text tokens": 2.5, "post characters": 25, "post tokens": 2.5,
    }  # fmt: skip
    low, high = found["alt text characters", VALUE].interval
    assert low < 25 < high and np.isnan(found["test pictures", VALUE].interval).all()
