"""The whole book with the smallest parameters."""

import json
import re

from altlib.cli.main import main
from altlib.published.tables import published_table
from tests.conftest import ROOT


def pages(book):
    return {p.stem: p.read_text(encoding="utf-8") for p in (book / "html").glob("*.html")}


def test_every_chapter_is_a_page_without_errors(book):
    found = pages(book)
    for notebook in (ROOT / "book").glob("*.ipynb"):
        assert notebook.stem in found
        assert "Traceback (most recent call last)" not in found[notebook.stem]


def test_the_books_own_pages_have_no_poor_alt_text(book, capsys):
    assert main(["audit", str(book / "html")]) == 0, capsys.readouterr().out


def test_every_picture_has_alt_text(book):
    for name, page in pages(book).items():
        article = page[page.find("<article") : page.find("</article>")]
        for tag in re.findall(r"<img\b[^>]*>", article):
            assert re.search(r"""alt=("[^"]+"|'[^']+')""", tag), f"{name}: {tag[:200]}"


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


def test_the_tables_of_the_clip_paper_are_there(book):
    results = json.loads((book / "results" / "clip.json").read_text())
    configurations = {(r["objective"], r["seed"]) for r in results["runs"]}
    assert {("behavioural", 1), ("iit-das", 1), ("joint", 0)} <= configurations
    assert all(0 <= r["accuracy"] <= 1 and r["transfer"] >= 0 for r in results["runs"])
    attributions = json.loads((book / "results" / "attributions.json").read_text())
    assert {(c["training"], c["path"]) for c in attributions["correlations"]} == {
        (t, p) for t in ("base", "behavioural", "iit-das") for p in ("none", "through", "around")
    }


def test_the_paper_parameters_fail_at_once_offline_with_what_to_provide(capsys):
    assert (
        main(["book", str(ROOT / "params" / "paper.yaml"), "--set", "collection.source_path=nowhere/posts.jsonl"]) == 1
    )
    error = capsys.readouterr().err
    assert "nowhere/posts.jsonl does not exist" in error
    for model in ("gpt2", "dslim/bert-base-NER", "Salesforce/blip2-opt-2.7b", "timm/vit_base_patch32_clip_224.openai"):
        assert f"huggingface-cli download {model}" in error
    assert not (ROOT / "runs" / "paper").exists()
