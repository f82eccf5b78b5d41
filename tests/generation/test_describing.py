"""Alt text for many pictures, resumably."""

import csv

import pytest

from altlib.generation.describing import describe_all, pictures_of
from altlib.generation.prompting import Described, Picture


def test_pictures_come_from_a_file_a_folder_or_a_table(picture, tmp_path):
    for name in ("b.png", "a.png"):
        picture(name)
    (tmp_path / "notes.txt").write_text("no picture")
    assert pictures_of(tmp_path / "a.png", "Tea!") == [Picture(str(tmp_path / "a.png"), "Tea!")]
    assert [p.image for p in pictures_of(tmp_path)] == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    table = tmp_path / "t.csv"
    table.write_text("\ufeffimage,text\na.png,'=1+1\nb.png,\n,lost\n", encoding="utf-8")
    assert [(p.image, p.post) for p in pictures_of(table, "usual")] == [
        (str(tmp_path / "a.png"), "=1+1"),
        (str(tmp_path / "b.png"), "usual"),
    ]


def test_what_names_no_picture_is_refused(tmp_path):
    with pytest.raises(ValueError, match="names no pictures"):
        pictures_of(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="has no column of pictures; call it one of image"):
        pictures_of(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a text file in UTF-8"):
        pictures_of(tmp_path / "t.csv")


def test_what_was_written_is_not_written_again_after_a_kill(picture, tmp_path):
    pictures = [Picture(str(picture(f"{n}.png")), f"=post {n}") for n in range(3)]
    asked, said, output = [], [], tmp_path / "out.csv"

    def write(some):
        asked.append([p.image for p in some])
        if len(asked) == 2:
            raise KeyboardInterrupt
        return [Described(f"+text of {p.post}") for p in some]

    with pytest.raises(KeyboardInterrupt):
        describe_all(pictures, write, "us", output, chunk=2)
    done = describe_all(pictures, write, "us", output, chunk=2, say=said.append)
    assert [d.text for d in done] == [f"+text of =post {n}" for n in range(3)]
    assert asked[2] == [pictures[2].image] and said == [f"2 of 3 pictures have their alt text in {output} already"]
    rows = list(csv.DictReader(output.open()))
    assert [row["image"] for row in rows] == [p.image for p in pictures]
    assert all(row["post"].startswith("'=") and row["alt_text"].startswith("'+") for row in rows)  # no formulas
    describe_all(pictures, write, "others", output)
    assert len(asked[3]) == 3  # another writer writes anew


def test_a_broken_picture_does_not_stop_the_others_and_another_table_is_not_overwritten(picture, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    pictures = [Picture(str(tmp_path / "broken.png"), ""), Picture(str(picture("a.png")), "")]
    found = describe_all(pictures, lambda some: [Described("a cup")] * len(some), "us")
    assert found[0].problem and not found[0].text and found[1] == Described("a cup")
    other = tmp_path / "other.csv"
    other.write_text("name,age\n")
    with pytest.raises(ValueError, match="is no table of alt texts"):
        describe_all(pictures, lambda some: [], "us", other)
    assert other.read_text() == "name,age\n"
