"""The papers' numbers."""

from importlib.resources import files

import pytest

from altlib.published.tables import published_table


def test_every_table_is_read_by_its_name():
    names = [p.name.removesuffix(".csv") for p in files("altlib.published").iterdir() if p.name.endswith(".csv")]
    assert "twitter-table1" in names
    assert all(len(published_table(name)) for name in names)


def test_an_unknown_table_is_named_beside_those_there_are():
    with pytest.raises(FileNotFoundError, match="'twitter-table9'; known: .*twitter-table1"):
        published_table("twitter-table9")
