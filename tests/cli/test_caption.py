"""Pictures captioned from the command line."""

from altlib.cli.main import main


def test_a_picture_is_captioned_from_the_command_line(book, picture, capsys):
    path = picture("photo.jpg", size=(300, 200), mode="CMYK")
    assert main(["caption", str(path), "--post", "Brew day!", "--run", str(book)]) == 0
    assert capsys.readouterr().out.strip()
    assert main(["caption", str(path), "--post", "Brew day!", "--run", str(book), "--candidates", "5"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    scores = [float(line.split()[0]) for line in lines]
    assert len(lines) == 5 and scores == sorted(scores, reverse=True)


def test_a_captioner_that_the_run_lacks_is_named(book, picture, capsys):
    assert main(["caption", str(picture("a.png")), "--run", str(book), "--captioner", "x"]) == 1
    assert "it has clipcap-finetuned" in capsys.readouterr().err
