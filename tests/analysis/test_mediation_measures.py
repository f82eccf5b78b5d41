"""What chapter 07 measured of attributions."""

import pandas as pd

from altlib.analysis.mediation_measures import mediation_measures


def test_seeds_are_paired_whatever_their_order_and_the_base_model_has_the_papers_name():
    correlations = pd.DataFrame(
        [
            ("base", 1, "none", 0.2),
            ("base", 0, "none", 0.1),
            ("iit-das", 0, "through", 0.3),
            ("iit-das", 1, "through", 0.5),
        ],
        columns=["training", "seed", "path", "r"],
    ).assign(norm="concreteness")
    named = pd.DataFrame([("iit-das", 0, "through", -1.0), ("iit-das", 1, "through", -2.0)],
                         columns=["training", "seed", "path", "names"])  # fmt: skip
    found = mediation_measures(correlations, named)
    assert found["none, none", "r, concreteness"].draws.tolist() == [0.1, 0.2]
    assert found["iit-das, through", "r, concreteness"].value == 0.4
    assert found["iit-das, names in captions", "attribution through the subspace"].value == -1.5
