"""Facts found in free text."""

import json

import numpy as np
import pytest

from altlib.miniworld.judges import statements
from altlib.miniworld.network import network


def test_statements_find_right_and_wrong_facts():
    facts = {
        "kind": "election flyer",
        "count": "two",
        "colour": "red",
        "setting": "beach",
        "side": "left",
        "form": "photo",
    }
    right = statements("Two election flyers on a scarlet rug, on a beach, a dog to the left", facts)
    assert right.right == {"kind", "count", "colour", "setting", "side"} and right.share_right == 1
    wrong = statements("Three election flyers on a blue rug", facts)
    assert wrong.right == {"kind"} and wrong.share_said == pytest.approx(3 / 5)
    empty = statements("So proud of this one!", facts)
    assert empty.share_said == 0 and empty.share_of_words == 0


def test_the_writers_state_what_is_there():
    """The judge finds nearly every visible fact in alt text as written, and few in posts."""
    shares = {"alt_text": [], "text": []}
    for post in network(11, 60):
        facts = {f["fact"]: f["value"] for f in json.loads(post.facts)}
        if facts["noise"] == "as written" and post.scene.form == "photo":
            for where in shares:
                shares[where].append(statements(getattr(post, where), facts).share_right)
    assert np.mean(shares["alt_text"]) > 0.95 and np.mean(shares["text"]) < 0.2
