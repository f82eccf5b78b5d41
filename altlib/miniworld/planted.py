"""The poor alt texts that the miniature world plants among the others."""

from __future__ import annotations

import pandas as pd

from altlib.miniworld.judges import true_facts

# How an alt text is spoilt so that it describes nothing, see altlib.miniworld.network.ALT_NOISE.
POOR = ("placeholder", "copies post", "terse", "second caption")
AS_WRITTEN = ("as written", "leading phrase", "person name")  # these describe the picture all the same


def planted(posts: pd.DataFrame) -> pd.DataFrame:
    """The posts whose alt text is poor or as written, with the column ``poor``: how it was spoilt, or an empty text.

    Posts that chapter 01 leaves out whatever their alt text says are left out here, too.

    Args:
        posts: Of the miniature world, as its source gives them.
    """
    how = posts["facts"].map(lambda facts: true_facts(facts)["noise"])
    usable = (
        (posts["language"] == "en") & (posts["media_type"] == "photo") & ~posts["is_repost"] & (posts["labels"] == "")
    )
    kept = usable & how.isin([*POOR, *AS_WRITTEN]) & ~posts.duplicated("alt_text")
    return posts[kept].assign(poor=how[kept].where(how[kept].isin(POOR), "")).reset_index(drop=True)
