"""The papers' numbers, to stand beside this run's."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def published_table(name: str) -> pd.DataFrame:
    """A table of the papers by its name, such as ``twitter-table1``.

    Raises:
        FileNotFoundError: There is no such table; the message lists those there are.
    """
    import pandas as pd

    file = files(__package__).joinpath(f"{name}.csv")
    if not file.is_file():
        known = sorted(p.name.removesuffix(".csv") for p in files(__package__).iterdir() if p.name.endswith(".csv"))
        raise FileNotFoundError(f"no published table is called {name!r}; known: {', '.join(known)}")
    with file.open("rb") as content:
        return pd.read_csv(content)
