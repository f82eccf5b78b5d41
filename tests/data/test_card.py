"""The data card of a corpus."""

import pandas as pd

from altlib.data.card import data_card


def test_a_card_counts_what_is_kept_and_names_what_was_left_out():
    index = pd.DataFrame(
        {
            "when": pd.to_datetime(["2024-02-03", None, "2023-05-01"], utc=True),
            "post_id": ["a", "a", "b"],
            "split": ["train", "train", "test"],
        }
    )
    steps = [{"step": 1, "action": "dropped", "meaning": "reposts", "pictures": 1200}]
    lengths = {name: pd.DataFrame({"characters": [10, 21]}) for name in ("alt_text", "text")}
    card = data_card("miniworld", index, steps, 1203, lengths)
    assert card.startswith("# Data card: 3 pictures from miniworld")
    assert "posts of 2023-05-01 to 2024-02-03" in card
    assert "3 of 2 posts, of 1,203 that were collected" in card
    assert "train 2, test 1" in card and "| 1 | dropped: reposts | 1,200 |" in card
    assert "posts of not known" in data_card("miniworld", index.assign(when=pd.NaT), steps, 3, lengths)
