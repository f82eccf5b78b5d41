"""Texts scored from the command line."""

from altlib.cli.main import main


def test_texts_are_scored_from_the_command_line(book, picture, capsys):
    path = str(picture("photo.jpg", size=(300, 200), mode="CMYK"))
    texts = ["--text", "A red cup on a rug.", "--text", "So proud of this one!", "--text", "word " * 200]
    assert main(["score", path, *texts, "--run", str(book)]) == 0
    found = capsys.readouterr()
    assert "1 of 3 texts were longer" in found.err
    header, *rows = found.out.strip().splitlines()
    assert header.split()[:3] == ["CLIPScore", "bare", "text"] and len(rows) == 3
    prompted, bare, tuned = zip(*([float(score) for score in row.split()[:3]] for row in rows), strict=True)
    assert prompted != bare
    assert list(tuned) == sorted(tuned, reverse=True) and all(0 <= v <= 2.5 for v in tuned)
    assert main(["score", path, *texts, "--run", str(book), "--model", "iit-das-lora-1"]) == 0
    assert "iit-das-lora-1" in capsys.readouterr().out
    assert main(["score", path, *texts, "--run", str(book), "--model", "x"]) == 1
    assert "it has behavioural-full-0" in capsys.readouterr().err
    assert main(["score", path, "--text", " ", "--run", str(book)]) == 1
    assert "empty" in capsys.readouterr().err
