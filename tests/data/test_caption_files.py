"""The captions of several files for the same pictures."""

import json

import pytest

from altlib.core.errors import CorpusError
from altlib.data import caption_files
from altlib.data.caption_files import read_captions


@pytest.fixture
def write(tmp_path):
    """Writes lines, each an id with its caption, references and more, and gives the file's path."""

    def written(name, *lines):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return written


def line(key, caption="a cup", references=("the cup",), **more):
    """A line of a file of captions."""
    return {"id": key, "caption": caption, "references": list(references), **more}


def test_files_are_brought_together_by_id_whatever_their_order(write):
    first = write("a.jsonl", line(1, "one"), line(2, "two", ["r", "s"], image="2.png"), line(3, "three"))
    second = write("b.jsonl", {"id": 2, "caption": "zwei"}, {"id": 1, "caption": "eins"})
    found = read_captions([first, second])
    assert found.ids == ["1", "2"]
    assert found.captions == {"a.jsonl": ["one", "two"], "b.jsonl": ["eins", "zwei"]}
    assert found.references == [["the cup"], ["r", "s"]]
    assert found.images == ["", str(first.parent / "2.png")]
    assert found.left_out == {"a.jsonl": 1, "b.jsonl": 0}
    assert not found.sampled


def test_references_and_pictures_come_from_annotations_of_coco(tmp_path):
    results, annotations = tmp_path / "results.json", tmp_path / "annotations.json"
    results.write_text(json.dumps([{"image_id": 5, "caption": "a cup"}]))
    content = {"images": [{"id": 5, "file_name": "5.jpg"}], "annotations": [{"image_id": 5, "caption": "the cup"}]}
    annotations.write_text(json.dumps(content))
    found = read_captions([results], annotations, tmp_path / "val")
    assert (found.references, found.images) == ([["the cup"]], [str(tmp_path / "val" / "5.jpg")])
    assert read_captions([results], annotations).images == [""]


def test_references_of_their_own_file_replace_those_beside_the_captions(write):
    captions = write("a.jsonl", line(1))
    references = write("r.jsonl", {"id": 1, "references": ["gold"]}, {"id": 2, "references": ["other"]})
    assert read_captions([captions], references).references == [["gold"]]


def test_a_sample_is_the_same_pictures_of_every_file_and_follows_the_seed(write):
    numbers = [str(n) for n in range(60)]
    first = write("a.jsonl", *(line(n, f"a{n}") for n in numbers))
    second = write("b.jsonl", *(line(n, f"b{n}") for n in reversed(numbers)))
    found, again = read_captions([first, second], sample=20), read_captions([second, first], sample=20)
    assert found.sampled and len(found.ids) == 20 and set(found.ids) == set(again.ids)
    assert found.captions["b.jsonl"] == [f"b{n}" for n in found.ids]
    assert set(read_captions([first, second], sample=20, seed=1).ids) != set(found.ids)
    assert not read_captions([first], sample=60).sampled


def test_an_id_that_occurs_twice_is_named_with_both_places(write):
    with pytest.raises(CorpusError, match=r"a.jsonl, line 3: the id '7' is that of line 1, too; .* \(1 ids of a.jsonl"):
        read_captions([write("a.jsonl", line(7), line(8), line("7"))])


def test_a_caption_without_references_is_named_with_its_place(write):
    with pytest.raises(CorpusError, match=r"a.jsonl, line 2: the id '8' has no references in any file \(1 ids"):
        read_captions([write("a.jsonl", line(7), line(8, references=[" "]))])
    gold = write("gold.jsonl", {"id": 7, "references": ["gold"]})
    with pytest.raises(CorpusError, match="line 2: the id '8' has no references in the file of references"):
        read_captions([write("a.jsonl", line(7), line(8))], gold)


def test_files_that_cannot_be_compared_are_refused(write):
    first = write("a.jsonl", line(1))
    with pytest.raises(CorpusError, match="a.jsonl and b.jsonl share no ids .*'1' and '2'"):
        read_captions([first, write("b.jsonl", line(2))])
    with pytest.raises(CorpusError, match="b.jsonl, line 1: the id '1' has other references in another file"):
        read_captions([first, write("b.jsonl", line(1, references=["x"]))])
    with pytest.raises(CorpusError, match="the same file of captions is named twice"):
        read_captions([first, first])


def test_files_of_the_same_name_are_told_apart_by_their_paths(write):
    paths = [write("x/a.jsonl", line(1)), write("y/a.jsonl", line(1))]
    assert list(read_captions(paths).captions) == [str(path) for path in paths]


def test_more_captions_than_are_held_at_a_time_ask_for_a_sample(write, monkeypatch):
    monkeypatch.setattr(caption_files, "MOST_SCORED", 2)
    path = write("a.jsonl", line(1), line(2), line(3, references=["x", ""]))
    with pytest.raises(CorpusError, match="has 3 captions to score, and at most 2 are held .* --sample 100000"):
        read_captions([path])
    assert len(read_captions([path], sample=2).ids) == 2
