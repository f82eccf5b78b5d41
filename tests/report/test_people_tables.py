import numpy as np
import pandas as pd
import pytest

from altlib.core.estimates import Estimate
from altlib.published.tables import published_table
from altlib.report.people_tables import beside_paper, flagging_measures, people_measures, preference_verdicts

PAIR = ("Ours", "ClipCap (Frozen)")


def named(preferred):
    rows = [
        {"item_id": str(i), "question": q, "preferred": p, "first": PAIR[i % 2], "second": PAIR[1 - i % 2]}
        for i, p in enumerate(preferred)
        for q in ("fluency", "descriptiveness")
    ]
    return pd.DataFrame(rows)


def test_shares_stand_beside_those_of_the_paper():
    rows = [("fluency", "Ours"), ("fluency", "ClipCap (Frozen)"), ("descriptiveness", "equal")]
    preferences = pd.DataFrame(
        [
            {
                "comparison": " and ".join(PAIR),
                "question": q,
                "preferred": p,
                "share (%) [95%]": "1.0",
                "answers": 1,
                "items": 1,
                "sign test p": 1.0,
            }
            for q, p in rows
        ]
    )
    table = beside_paper(preferences, published_table("twitter-table2"), {"frozen": PAIR})
    assert table["paper (%)"].tolist() == [61.4, 29.8, 6.9]
    assert beside_paper(pd.DataFrame(), published_table("twitter-table2"), {"frozen": PAIR}).empty


def test_a_preference_is_claimed_only_if_the_sign_test_tells():
    clear, even = (
        preference_verdicts(named(p), [PAIR], 0, "raters") for p in (["Ours"] * 12, ["Ours", "ClipCap (Frozen)"] * 6)
    )
    assert "so Ours is preferred (sign test over 12 pictures, p < 0.001)" in clear[0] and "100.0 [" in clear[0]
    assert "does not tell apart" in even[1] and even[1].startswith("By descriptiveness, raters prefer Ours in 50.0")
    assert preference_verdicts(named([]).reindex(columns=named(["Ours"]).columns), [PAIR], 0, "raters") == []


def test_shares_margins_and_agreement_are_measured_under_the_papers_names():
    frame = pd.concat([named(["Ours"] * 3 + ["ClipCap (Frozen)"]).assign(rater=r, answer="first") for r in "ab"])
    found = people_measures(frame, {"frozen": PAIR}, 0)
    shares = {who: found[f"{who} (frozen)", "fluency (%)"].value for who in ("ours", "ClipCap", "equal", "margin")}
    assert shares == {"ours": 75, "ClipCap": 25, "equal": 0, "margin": 50}
    assert found["ours (frozen)", "fluency (%)"].examples == 4
    assert ("raters", "descriptiveness, alpha") in found


def test_flagging_is_measured_against_the_share_of_poor_texts():
    found = flagging_measures({"rule": Estimate(0.5, np.array([0.4, 0.6]))}, 10, 100)
    (measured,) = found.values()
    assert measured.value == 0.4 and measured.draws.tolist() == pytest.approx([0.3, 0.5])
