"""Files of captions and of references, right and wrong."""

import json

import pytest

from altlib.core.errors import CorpusError
from altlib.data import caption_entries
from altlib.data.caption_entries import entries, read_references


@pytest.fixture
def write(tmp_path):
    """Writes a file, bytes or text, and gives its path."""

    def written(content, name="captions.jsonl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def test_lines_are_read_with_their_places_and_blank_lines_between_them(write):
    path = write(
        '\ufeff{"id": 7, "caption": "a cup", "references": ["cup", " "], "image": "a.png"}\n\n{"id": "b", "caption": ""}'
    )
    first, second = entries(path)
    assert (first.place, first.key, first.caption, first.image) == ("captions.jsonl, line 1", "7", "a cup", "a.png")
    assert (first.references, first.blank) == (("cup",), 1)
    assert (second.place, second.key, second.references) == ("captions.jsonl, line 3", "b", ())


def test_results_in_the_format_of_coco_are_read(write):
    path = write(json.dumps([{"image_id": 391895, "caption": "a man"}, {"image_id": 2, "caption": "a dog"}]), "r.json")
    assert [(e.key, e.caption) for e in entries(path)] == [("391895", "a man"), ("2", "a dog")]


def test_half_a_surrogate_pair_can_be_written_again(write):
    entry = next(entries(write('{"id": "a", "caption": "x\\ud83e"}')))
    assert entry.caption == "x?"


WRONG = {
    "": r"captions.jsonl is empty \(0 bytes\)",
    " \n \n": "captions.jsonl holds no captions",
    "id,caption\n1,a cup\n": "captions.jsonl has an unknown format: expected JSON Lines",
    '{"id": 1, "caption": "a"}\n{"id": 2, "caption"': "line 2: not valid JSON: ",
    '{"id": 1}': "line 1: there is no 'caption'; found 'id'",
    '{"image_id": 1, "caption": "a"}': "line 1: there is no 'id'; found 'image_id', 'caption'",
    '{"id": 1, "caption": ["a"]}': r"line 1: 'caption' must be text, not \[\"a\"\]",
    '{"id": 1, "caption": "a", "references": "b"}': "line 1: 'references' must be a list of texts",
    '{"id": 1, "caption": "a", "image": 3}': "line 1: 'image' must be a path",
    '{"id": 1.5, "caption": "a"}': "line 1: an id must be text or a whole number, not 1.5",
    '{"id": true, "caption": "a"}': "an id must be text or a whole number, not true",
    '{"id": 1, "caption": "a"}\n[3]': "line 2: expected an object with 'id' and 'caption'",
    '{"annotations": []}': "this is a file of annotations, not of captions; give it as --references",
    '[{"image_id": 1, "caption": "a"}, {"image_id": 2}]': "entry 2: there is no 'caption'",
    '[{"image_id": 1': "is not valid JSON",
}


@pytest.mark.parametrize("content", WRONG)
def test_what_is_wrong_is_named_with_its_file_and_place(write, content):
    with pytest.raises(CorpusError, match=WRONG[content]):
        list(entries(write(content)))


def test_brackets_without_end_are_refused(write):
    with pytest.raises(CorpusError, match="line 1: not valid JSON"):
        list(entries(write('{"id": 1, "caption": ' + "[" * 100_000)))


def test_bytes_that_are_no_text_and_lines_without_an_end_are_refused(write, monkeypatch, tmp_path):
    with pytest.raises(CorpusError, match="line 2: not UTF-8: invalid"):
        list(entries(write(b'{"id": 1, "caption": "a"}\n{"id": 2, "caption": "\xff"}')))
    with pytest.raises(CorpusError, match="none.jsonl is not a file"):
        list(entries(tmp_path / "none.jsonl"))
    monkeypatch.setattr(caption_entries, "LONGEST_LINE", 30)
    with pytest.raises(CorpusError, match="line 1: longer than 30 bytes"):
        list(entries(write('{"id": 1, "caption": "a cup on a table"}')))
    monkeypatch.setattr(caption_entries, "LARGEST_WHOLE", 3)
    with pytest.raises(CorpusError, match="more than 3 bytes; write it as JSON Lines"):
        list(entries(write("[   ]", "r.json")))


def test_annotations_of_coco_give_several_references_and_names_of_pictures(write):
    annotations = [{"image_id": 1, "id": 9, "caption": text} for text in ("a cup", "  ", "the cup")]
    images = [{"id": 1, "file_name": "000001.jpg"}]
    found = read_references(write(json.dumps({"images": images, "annotations": annotations}, indent=1)))
    assert found.texts == {"1": ["a cup", "the cup"]}
    assert found.pictures == {"1": "000001.jpg"}


def test_lines_of_references_keep_the_ids_that_are_wanted(write):
    path = write('{"id": 1, "references": ["a", "b"]}\n{"id": 2, "references": ["c"]}')
    assert read_references(path).texts == {"1": ["a", "b"], "2": ["c"]}
    assert read_references(path, lambda key: key == "2").texts == {"2": ["c"]}
    with pytest.raises(CorpusError, match="line 2: the id '1' has references in an earlier line, too"):
        read_references(write('{"id": 1, "references": ["a"]}\n{"id": 1, "references": ["c"]}'))


@pytest.mark.parametrize("content", ["[]", '{"captions": []}', '{"id": 1, "caption": "a"}'])
def test_other_files_are_no_references(write, content):
    with pytest.raises(CorpusError, match="expected COCO's annotations"):
        read_references(write(content))
