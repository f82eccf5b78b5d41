"""The systems of Table 1 that decode."""

import pytest

from altlib.generation import systems
from altlib.generation.decoding import Decoding

BEAM = Decoding(beams=5)
POSTS = ["Tea!", "Lost.", "Brew day"]


def test_the_rows_are_the_papers_and_the_runs_ablations():
    rows = systems.table1_systems(["text-image", "text-image-transformer"], POSTS, BEAM, seed=0)
    assert {row.decoding.label for row in rows.values()} == {"BS (NR)", "BS", "Greedy", "Greedy (NR)"}
    assert rows["text-image-transformer, BS (NR)"].captioner == "text-image-transformer"
    assert "text-image, BS (NR)" not in rows
    for name in (systems.TEXT_AND_IMAGE, *systems.SINGLE_SOURCES, *systems.OTHER_SEARCHES):
        assert name in rows
        assert name.endswith(rows[name].decoding.label)


def test_a_captioner_that_the_paper_does_not_have_gets_a_row_whatever_its_name():
    rows = systems.table1_systems(["clipcap-scratch", "text-image", "mine"], POSTS, BEAM, seed=0)
    usual = systems.table1_systems([], POSTS, BEAM, seed=0)
    assert set(rows) - set(usual) == {"mine, BS (NR)"} and rows["mine, BS (NR)"].captioner == "mine"


def test_random_text_reads_every_post_with_another_picture():
    row = systems.table1_systems([], POSTS, BEAM, seed=0)[systems.RANDOM_TEXT]
    assert sorted(row.posts) == sorted(POSTS)
    assert all(given != own for given, own in zip(row.posts, POSTS, strict=True))


def test_a_single_picture_has_no_other_post_to_read():
    assert systems.RANDOM_TEXT not in systems.table1_systems([], ["Tea!"], BEAM, seed=0)


def test_the_table_says_what_each_system_reads(captioner):
    rows = systems.table1_systems([], POSTS, BEAM, seed=0)
    captioners = dict.fromkeys([row.captioner for row in rows.values()], captioner)
    table = systems.as_table(rows, captioners).set_index("system")
    assert table.loc[systems.RANDOM_TEXT, "reads"] == "another picture's post"
    assert table.loc[systems.TEXT_AND_IMAGE, "reads"] == "the picture's own post"
    assert table.loc[systems.TEXT_AND_IMAGE_GREEDY, ["beams", "trigram blocking"]].tolist() == [1, False]


def test_what_a_system_wrote_is_read_back(captioner, features, posts, tmp_path, monkeypatch):
    system = systems.System("text-image", posts, Decoding(beams=2, max_tokens=4))
    written = systems.decode_system(system, captioner, features, tmp_path)
    assert len(written) == len(posts)
    monkeypatch.setattr("altlib.generation.decoding.decode", lambda *_, **__: pytest.fail("decoded again"))
    again = systems.decode_system(system, captioner, features, tmp_path)
    assert [[c.text for c in options] for options in again] == [[c.text for c in options] for options in written]
