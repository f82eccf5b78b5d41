import json

from altlib.data.sources.registry import collect


def test_jsonl_reads_what_it_can_and_lists_the_rest(tmp_path, picture):
    picture("images/a.png")
    lines = [
        {"id": "1", "image": "images/a.png", "post": "hello", "alt_text": "a thing"},
        {"id": "2", "post": "no image"},
        {"id": "3", "image": "../../etc/passwd", "alt_text": "x"},
        "not an object",
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(json.dumps(x) for x in lines) + "\n{broken\n\n")
    posts, unreadable = collect("jsonl", tmp_path / "c", path=str(tmp_path))
    assert posts["item_id"].tolist() == ["1"] and posts["text"].tolist() == ["hello"]
    assert [u["reason"].split(":")[0] for u in unreadable] == [
        "line lacks 'image'",
        "line is not a post",
        "line is not a post",
        "line is not a post",
    ]
    assert "leaves the folder" in unreadable[1]["reason"]
