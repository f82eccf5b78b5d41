"""Captions scored from the command line."""

import json

import pytest

from altlib.cli.main import main


@pytest.fixture
def files(tmp_path, described_posts):
    """Two files of captions for four pictures, one of which is missing."""
    paths = [tmp_path / "ours.jsonl", tmp_path / "theirs.jsonl"]
    with paths[0].open("w") as ours, paths[1].open("w") as theirs:
        for number, post in enumerate(described_posts.head(4).itertuples()):
            image = str(tmp_path / "none.png") if number == 3 else post.image
            row = {"id": number, "references": [post.alt_text], "image": image}
            ours.write(json.dumps(row | {"caption": post.alt_text if number else ""}) + "\n")
            theirs.write(json.dumps({"id": number, "caption": "a cup"}) + "\n")
    return [str(path) for path in paths]


def test_files_are_scored_compared_and_written(files, capsys, tmp_path):
    output = tmp_path / "scores.json"
    assert main(["evaluate", *files, "--clip", "miniature", "--output", str(output)]) == 0
    shown = capsys.readouterr()
    assert "4 captions a file, 3 of them with a picture" in shown.out
    assert "ours.jsonl - theirs.jsonl: ours.jsonl is higher" in shown.out
    assert "Does a score fall when a reference is made worse?" in shown.out
    assert "miniature models" in shown.err and "description score is left out" in shown.err
    assert "ours.jsonl: empty captions, which score 0: 1" in shown.err
    assert "image file is missing" in shown.err
    record = json.loads(output.read_text())
    assert record["scores"]["ours.jsonl"]["BLEU@4"]["value"] > record["scores"]["theirs.jsonl"]["BLEU@4"]["value"]
    assert {d["metric"] for d in record["differences"]} >= {"CIDEr", "CLIPScore"}


def test_what_is_asked_wrongly_is_explained_before_anything_is_scored(files, capsys, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    wrong = {
        ("--output", "scores.txt"): "--output must end in .json or .csv",
        ("--run", "x", "--clip", "y"): "give one of them",
        ("--sample", "-1"): "must be 0 or more",
        (str(empty),): "empty.jsonl is empty (0 bytes)",
    }
    for arguments, message in wrong.items():
        assert main(["evaluate", *files, *arguments]) == 1
        assert message in capsys.readouterr().err
