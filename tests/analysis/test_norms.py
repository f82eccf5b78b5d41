"""Norms of words, and how attributions go with them."""

import numpy as np
import pandas as pd
import pytest

from altlib.analysis import norms
from altlib.analysis.attribution import WordAttribution
from altlib.core.errors import CorpusError


def test_concreteness_norms_come_with_the_package():
    ratings = norms.concreteness_norms()
    assert len(ratings) > 30_000 and ratings.between(1, 5).all() and ratings["dog"] > 4.5 > 2 > ratings["although"]


def test_norms_are_read_from_any_csv_and_missing_ones_are_counted(tmp_path):
    path = tmp_path / "glasgow.csv"
    path.write_text("Words,AROU,IMAG\n,M,M\ncup,2,6.5\nHope,3,2.5\n")
    ratings = norms.read_norms(path)
    assert ratings.to_dict() == {"cup": 6.5, "hope": 2.5}
    words = [WordAttribution(w, v) for w, v in (("Cups", 1.0), ("hope", 0.0), ("zzz", 9.0), ("!", 3.0), ("cup", 0.5))]
    found = norms.norm_correlation(words, ratings)
    assert found["words"] == 3 and found["without_norm"] == 1
    assert found["r"] == pytest.approx(np.corrcoef([1, 0, 0.5], [6.5, 2.5, 6.5])[0, 1])
    with pytest.raises(CorpusError, match="name those"):
        norms.read_norms(path, rating="CONC")
    with pytest.raises(CorpusError, match="does not exist"):
        norms.read_norms(tmp_path / "none.csv")


def test_names_are_capitalised_words_within_a_sentence_that_no_norm_knows():
    ratings = pd.Series({"london": 4.0, "this": 1.5})
    texts = ["This is Ravenscar Magna in London. Another Thing", "Hello"]
    assert norms.proper_names(texts, ratings) == [{"Ravenscar", "Magna", "Thing"}, set()]
