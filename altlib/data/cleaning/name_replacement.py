"""Person names replaced in a corpus that streams by, counted, with examples."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from altlib.data.cleaning.names import Recogniser, replace_names

EXAMPLES = 5  # alt texts kept to be shown


@dataclass
class NameReplacement:
    """Replaces person names in alt texts, part by part.

    Attributes:
        recogniser: Finds the names; None leaves them in.
        count: How many alt texts were changed so far.
        examples: The first changed alt texts, each before and after.
    """

    recogniser: Recogniser | None
    count: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)

    def apply(self, posts: pd.DataFrame) -> pd.DataFrame:
        """The posts with names replaced in ``alt_text``."""
        if self.recogniser is None:
            return posts
        replaced = posts.assign(alt_text=replace_names(posts["alt_text"].tolist(), self.recogniser))
        before, after = posts["alt_text"], replaced["alt_text"]
        changed = after != before
        self.count += int(changed.sum())
        wanted = EXAMPLES - len(self.examples)
        self.examples += list(zip(before[changed].head(wanted), after[changed].head(wanted), strict=True))
        return replaced

    def example_table(self) -> pd.DataFrame:
        """The examples, one row per alt text."""
        return pd.DataFrame(self.examples, columns=["before", "after"])
