"""The whole book with the smallest parameters, and the commands that use its run."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from altlib.cli.main import main
from altlib.data.posts import read_corpus
from altlib.evaluation.second_captions import caption_judge
from altlib.published.tables import published_table
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A copy of the project with the smoke book in it."""
    root = tmp_path_factory.mktemp("project")
    for name in ("book", "params"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "_config.yml", root)
    done = subprocess.run(
        [sys.executable, "-m", "altlib", "book", str(root / "params" / "smoke.yaml")],
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return root / "runs" / "smoke"


def pages(book):
    return {p.stem: p.read_text(encoding="utf-8") for p in (book / "html").glob("*.html")}


def test_every_chapter_is_a_page_without_errors(book):
    found = pages(book)
    for notebook in (ROOT / "book").glob("*.ipynb"):
        assert notebook.stem in found
        assert "Traceback (most recent call last)" not in found[notebook.stem]


def test_every_picture_has_alt_text(book):
    for name, page in pages(book).items():
        article = page[page.find("<article") : page.find("</article>")]
        for tag in re.findall(r"<img\b[^>]*>", article):
            assert re.search(r'alt="[^"]+"', tag), f"{name}: {tag[:200]}"


def test_headings_come_in_order(book):
    for name, page in pages(book).items():
        article = page[page.find("<article") : page.find("</article>")]
        levels = [int(n) for n in re.findall(r"<h([1-6])\b", article)]
        assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False)), f"{name}: {levels}"


def test_pages_with_numbers_say_what_they_are_numbers_of(book):
    chapters = [p.stem for p in (ROOT / "book").glob("0*.ipynb")]
    assert len(chapters) >= 6
    for name in chapters:
        assert "miniature world: a small social network that this project draws" in pages(book)[name]


def test_the_main_table_has_every_row_of_the_paper(book):
    scores = json.loads((book / "results" / "scores.json").read_text())["systems"]
    rows = published_table("twitter-table1")["system"]
    for row in rows:
        assert row.startswith("BLIP-2") or any(s.startswith(row) for s in scores), row
    assert all(v["low"] <= v["value"] <= v["high"] for s in scores.values() for v in s.values())


def test_a_picture_is_captioned_from_the_command_line(book, picture, capsys):
    path = picture("photo.jpg", size=(300, 200), mode="CMYK")
    assert main(["caption", str(path), "--post", "Brew day!", "--run", str(book)]) == 0
    assert capsys.readouterr().out.strip()
    assert main(["caption", str(path), "--post", "Brew day!", "--run", str(book), "--candidates", "5"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    scores = [float(line.split()[0]) for line in lines]
    assert len(lines) == 5 and scores == sorted(scores, reverse=True)


def test_texts_are_scored_from_the_command_line(book, picture, capsys):
    path = str(picture("photo.jpg", size=(300, 200), mode="CMYK"))
    texts = ["--text", "A red cup on a rug.", "--text", "So proud of this one!", "--text", "word " * 200]
    assert main(["score", path, *texts, "--run", str(book)]) == 0
    found = capsys.readouterr()
    assert "1 of 3 texts were longer" in found.err
    header, *rows = found.out.strip().splitlines()
    assert "CLIPScore" in header and len(rows) == 3
    tuned = [float(row.split()[1]) for row in rows]
    assert tuned == sorted(tuned, reverse=True) and all(0 <= v <= 2.5 for v in tuned)
    assert main(["score", path, *texts, "--run", str(book), "--model", "iit-das-lora-1"]) == 0
    assert "iit-das-lora-1" in capsys.readouterr().out
    assert main(["score", path, *texts, "--run", str(book), "--model", "x"]) == 1
    assert "it has behavioural-full-0" in capsys.readouterr().err
    assert main(["score", path, "--text", " ", "--run", str(book)]) == 1
    assert "empty" in capsys.readouterr().err


def test_second_captions_are_found_by_the_preference_of_a_run(book):
    judge = caption_judge(book, missed=0.2)
    assert judge.missed <= 0.2 and 0 <= judge.caught <= 1 and judge.pictures > 10
    posts = read_corpus(book / "corpus", "val")
    posts = posts[(posts["caption"] != "") & (posts["alt_text"] != "")]
    texts = {
        kind: judge.second_captions(posts["image"].tolist(), posts[kind].tolist()) for kind in ("alt_text", "caption")
    }
    assert texts["alt_text"].mean() == pytest.approx(judge.missed, abs=0.02)
    assert texts["caption"].mean() == pytest.approx(judge.caught, abs=0.02)


def test_training_again_from_the_command_line_finds_everything_finished(book):
    before = {p: p.stat().st_mtime_ns for p in (book / "captioners").rglob("*.safetensors") if "frozen" not in str(p)}
    assert len(before) >= 4
    assert main(["train", str(book.parent.parent / "params" / "smoke.yaml")]) == 0
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_the_tables_of_the_clip_paper_are_there(book):
    results = json.loads((book / "results" / "clip.json").read_text())
    configurations = {(r["objective"], r["seed"]) for r in results["runs"]}
    assert {("behavioural", 1), ("iit-das", 1), ("joint", 0)} <= configurations
    assert all(0 <= r["accuracy"] <= 1 and r["transfer"] >= 0 for r in results["runs"])
    attributions = json.loads((book / "results" / "attributions.json").read_text())
    assert {(c["training"], c["path"]) for c in attributions["correlations"]} == {
        (t, p) for t in ("base", "behavioural", "iit-das") for p in ("none", "through", "around")
    }


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["caption", "nowhere.jpg"], "image file is missing"),
        (["book", "nowhere.yaml"], "no parameter file"),
        (["check", str(ROOT / "params" / "smoke.yaml"), "--set", "training.epoch=1"], "did you mean 'epochs'"),
    ],
)
def test_errors_are_one_clear_line(arguments, words, capsys):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_a_captioner_that_the_run_lacks_is_named(book, picture, capsys):
    assert main(["caption", str(picture("a.png")), "--run", str(book), "--captioner", "x"]) == 1
    assert "it has clipcap-finetuned" in capsys.readouterr().err


def test_the_paper_parameters_fail_at_once_offline_with_what_to_provide(capsys):
    assert (
        main(["book", str(ROOT / "params" / "paper.yaml"), "--set", "collection.source_path=nowhere/posts.jsonl"]) == 1
    )
    error = capsys.readouterr().err
    assert "nowhere/posts.jsonl does not exist" in error
    for model in ("gpt2", "dslim/bert-base-NER", "Salesforce/blip2-opt-2.7b", "timm/vit_base_patch32_clip_224.openai"):
        assert f"huggingface-cli download {model}" in error
    assert not (ROOT / "runs" / "paper").exists()
