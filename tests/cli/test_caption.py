"""Alt text from an endpoint, for one picture and for many."""

import csv
import json

import pytest

from altlib.cli.main import main
from altlib.models.endpoint import KEY_VARIABLE
from tests.language_models import LanguageModelServer, language_model_server


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server():
    server = LanguageModelServer(answer=lambda question: f'Alt text: "A boat for {question[-3:]}"')
    with language_model_server(server) as url:
        server.arguments = ["--endpoint", url, "--model", "tiny", "--price-in", "2", "--price-out", "10"]
        yield server


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_picture_is_described_with_what_it_costs(server, picture, capsys):
    path = str(picture("a.png"))
    assert (
        main(["caption", path, "--post", "Hi you", "--language", "German", "--length", "short", *server.arguments]) == 0
    )
    out, err = capsys.readouterr()
    assert out == "A boat for you\n" and "1 requests, 1,000 tokens read and 10 written: 0.0021 dollars" in err
    asked = server.bodies[0]["messages"][0]["content"][0]["text"]
    assert "Write in German." in asked and "at most 15 words" in asked and "do not repeat the post" in asked
    main(["caption", path, "--post", "Hi you", "--language", "German", "--length", "short", *server.arguments])
    assert "0 requests" in capsys.readouterr().err and len(server.bodies) == 1


def test_a_folder_is_described_into_a_table_and_goes_on_where_it_ended(server, picture, tmp_path, capsys):
    folder = picture("many/a.png").parent
    picture("many/b.png")
    (folder / "c.png").write_bytes(b"no picture")
    output = tmp_path / "out.csv"
    arguments = ["caption", str(folder), "--output", str(output), *server.arguments]
    assert main(arguments) == 1
    assert [bool(row["alt_text"]) for row in rows(output)] == [True, True, False]
    assert rows(output)[2]["problem"] == "file is not an image"
    picture("many/c.png")
    picture("many/d.png")
    assert main(arguments) == 0 and len(server.bodies) == 4
    assert "2 of 4 pictures have their alt text" in capsys.readouterr().err


def test_a_table_of_pictures_gives_each_its_post(server, picture, tmp_path):
    picture("a.png"), picture("b.png")
    (tmp_path / "in.csv").write_text('image,post\na.png,"First,\npost one"\nb.png,Post two\n')
    output = tmp_path / "out.csv"
    assert main(["caption", str(tmp_path / "in.csv"), "--output", str(output), *server.arguments]) == 0
    assert [row["alt_text"] for row in rows(output)] == ["A boat for one", "A boat for two"]
    assert [row["post"] for row in rows(output)] == ["First,\npost one", "Post two"]


def test_answers_that_cannot_be_used_are_problems(picture, tmp_path, capsys):
    with language_model_server(LanguageModelServer(answer=lambda _: '""')) as url:
        arguments = ["caption", str(picture("a.png")), "--endpoint", url, "--model", "tiny"]
        assert main(arguments) == 1
    assert "it is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["--endpoint", "http://localhost:1/v1"], "needs --model"),
        (["--at-once", "0"], "--at-once must be 1 or more"),
        (["--per-minute", "-1"], "--per-minute 0 or more"),
        (["--endpoint", "https://example.org/v1", "--model", "x"], f"set the environment variable {KEY_VARIABLE}"),
        (
            ["--endpoint", "https://example.org/v1", "--model", "x", "--key-variable", "sk-1"],
            "must be the name of an environment",
        ),
        (["--endpoint", "http://localhost:1/v1", "--model", "x", "--prompt", "best"], "known: plain, detailed, blog"),
        (["--endpoint", "http://localhost:1/v1", "--model", "x", "--prompt", "no.toml"], "there is no prompt file"),
    ],
)
def test_mistakes_are_named_before_anything_is_asked(picture, capsys, monkeypatch, arguments, words):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert main(["caption", str(picture("a.png")), *arguments]) == 1
    assert words in capsys.readouterr().err


def test_many_pictures_need_a_table_to_write_and_another_file_is_not_overwritten(server, picture, tmp_path, capsys):
    folder = picture("many/a.png").parent
    assert main(["caption", str(folder), *server.arguments]) == 1
    assert "--output FILE.csv" in capsys.readouterr().err
    (tmp_path / "notes.csv").write_text("my,notes\n")
    assert main(["caption", str(folder), "--output", str(tmp_path / "notes.csv"), *server.arguments]) == 1
    assert "choose another name" in capsys.readouterr().err and (tmp_path / "notes.csv").read_text() == "my,notes\n"
    assert json.dumps(server.bodies) == "[]"
