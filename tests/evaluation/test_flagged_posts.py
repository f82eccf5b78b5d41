import pandas as pd

from altlib.data.posts import as_posts
from altlib.evaluation.flagged_posts import Flagged, flag, unusual_pictures
from altlib.evaluation.flagging import FINDINGS, LIKELIHOOD


def posts(picture, alts):
    return as_posts(
        [
            {"item_id": str(i), "post_id": str(i), "alt_text": a, "text": "", "image": str(picture(f"{i}.png"))}
            for i, a in enumerate(alts)
        ]
    )


def test_the_poorest_stand_first_errors_before_warnings(picture):
    found = flag(posts(picture, ["A boat on a quiet river", "A boat", "Image", "Photo of a boat on a quiet river"]))
    assert [f.row for f in found] == [2, 1, 3, 0]
    assert [[w.rule for w in f.found] for f in found] == [
        ["placeholder", "too short"],
        ["too short"],
        ["leading phrase"],
        [],
    ]


class Fake:
    """Finds the second text unlikely."""

    def p_values(self, frame):
        return pd.DataFrame({LIKELIHOOD: [0.01 if "chair" in alt else 0.6 for alt in frame["alt_text"]]})


def test_models_add_what_rules_cannot_see_where_the_picture_can_be_read(picture):
    frame = posts(picture, ["A boat on a quiet river", "A chair on a quiet river", "A chair in an unreadable picture"])
    frame.loc[2, "image"] = "missing.png"
    found = flag(frame, Fake())
    assert found[0].row == 1 and found[0].found == [FINDINGS[LIKELIHOOD]]
    assert all(not f.found for f in found[1:])


def test_models_that_find_fault_with_most_texts_do_not_know_such_pictures():
    unlikely, fine = Flagged(0, [FINDINGS[LIKELIHOOD]], 3.0), Flagged(1, [], 0.0)
    assert "find fault with 75% of the texts" in unusual_pictures([unlikely] * 3 + [fine])
    assert unusual_pictures([unlikely, fine]) == "" and unusual_pictures([]) == ""
