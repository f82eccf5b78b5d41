import json

import pytest

from altlib.cli.main import main


@pytest.fixture
def posts_file(tmp_path, picture):
    rows = [
        {"id": "good", "image": picture("a.png").name, "alt_text": "A red boat on a quiet river", "post": "Hello"},
        {"id": "bad", "image": picture("b.png").name, "alt_text": "Image\x1b", "post": "Hello"},
        {"id": "note", "image": picture("c.png").name, "alt_text": "Photo of a boat on a river", "post": "Hello"},
    ]
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "broken\n")
    return path


def test_the_worst_posts_are_listed_with_reason_and_suggestion(posts_file, capsys):
    assert main(["audit", str(posts_file)]) == 1
    out, err = capsys.readouterr()
    first, second = [line for line in out.splitlines() if not line.startswith(" ")]
    assert first.startswith("posts.jsonl: bad: Image\\x1b") and second.startswith("posts.jsonl: note:")
    assert "error: the alt text says no more than that there is a picture. Say what the picture shows." in out
    assert "3 pictures, 2 with poor alt text; 2 are shown" in err and "line 4 of posts.jsonl" in err
    main(["audit", str(posts_file), "--worst", "1"])
    assert "note:" not in capsys.readouterr().out


def test_findings_are_written_as_json_and_sarif(posts_file, tmp_path):
    for form in ("json", "sarif"):
        assert main(["audit", str(posts_file), "--format", form, "--output", str(tmp_path / form)]) == 1
    found = json.loads((tmp_path / "json").read_text())
    assert found["checked"] == 3 and [p["picture"] for p in found["poor"]] == ["bad", "note"]
    log = json.loads((tmp_path / "sarif").read_text())
    assert log["version"] == "2.1.0" and log["runs"][0]["tool"]["driver"]["name"] == "altlib"
    rules = {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    results = log["runs"][0]["results"]
    assert {r["ruleId"] for r in results} == rules == {"placeholder", "too-short", "leading-phrase"}
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "posts.jsonl"
    assert {r["level"] for r in results} == {"error", "warning", "note"}


def test_pages_are_judged_with_their_lines(tmp_path, capsys):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.html").write_text('<p>\n<img src="a.png"></p>')
    (tmp_path / "pages" / "b.md").write_text("![A boat on a river](b.png)")
    assert main(["audit", str(tmp_path / "pages")]) == 1
    assert capsys.readouterr().out.startswith("a.html:2: a.png: (no alt text)\n    error: the picture has no alt")
    assert main(["audit", str(tmp_path / "pages" / "b.md")]) == 0


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["nowhere"], "does not exist"),
        (["{folder}"], "holds no .html"),
        (["{folder}/empty.jsonl"], "holds no posts"),
        (["{folder}", "--run", "x"], "judges posts"),
        (["{folder}", "--worst", "-1"], "must be 0 or more"),
    ],
)
def test_what_cannot_be_judged_is_said(tmp_path, capsys, arguments, words):
    (tmp_path / "empty.jsonl").write_text("")
    assert main(["audit", *(a.format(folder=tmp_path) for a in arguments)]) == 1
    assert words in capsys.readouterr().err
