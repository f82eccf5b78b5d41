"""A small study: six pictures, two systems."""

import pandas as pd
import pytest

from altlib.data.posts import as_posts


@pytest.fixture
def posts(picture):
    """Pictures with their posts and alt texts; one picture is missing."""
    rows = [
        {
            "item_id": f"p{i}",
            "post_id": f"p{i}",
            "alt_text": f"A boat number {i} on a quiet river under a bridge",
            "text": f"Post {i} <script>alert(1)</script>",
            "image": str(picture(f"{i}.png")) if i else "missing.png",
        }
        for i in range(12)
    ]
    return as_posts(rows)


@pytest.fixture
def texts():
    """What two systems write; on the last picture they agree."""
    same = "the very same text"
    return {
        "ours": [f"ours {i} a boat" for i in range(11)] + [same],
        "clipcap": [f"clipcap {i} a harbour" for i in range(11)] + [same],
    }


@pytest.fixture
def answered():
    """Build answers: ``answered({("ann", "item"): {"fluency": "first"}})``."""

    def build(given, seconds=10.0):
        return pd.DataFrame(
            [
                {
                    "rater": rater,
                    "item_id": item,
                    "question": question,
                    "answer": answer,
                    "seconds": seconds,
                    "saved": "",
                }
                for (rater, item), answers in given.items()
                for question, answer in answers.items()
            ]
        )

    return build
