"""Person names replaced in a corpus that streams by."""

import pandas as pd

from altlib.data.cleaning.name_replacement import EXAMPLES, NameReplacement
from altlib.data.cleaning.names import name_recogniser


def frame(*texts: str) -> pd.DataFrame:
    return pd.DataFrame({"alt_text": texts, "text": "a post"}, index=range(10, 10 + len(texts)))


def test_names_are_replaced_counted_and_shown_over_all_parts():
    names = NameReplacement(name_recogniser("gazetteer"))
    first = names.apply(frame("Mary Smith with a cup.", "A red cup."))
    assert first["alt_text"].tolist() == ["person with a cup.", "A red cup."] and first.index.tolist() == [10, 11]
    names.apply(frame(*["John Miller on a rug."] * 9))
    assert names.count == 10
    table = names.example_table()
    assert len(table) == EXAMPLES and table.iloc[0].tolist() == ["Mary Smith with a cup.", "person with a cup."]


def test_without_a_recogniser_names_stay():
    names = NameReplacement(None)
    assert names.apply(frame("Mary Smith with a cup."))["alt_text"].tolist() == ["Mary Smith with a cup."]
    assert names.count == 0 and names.example_table().empty
