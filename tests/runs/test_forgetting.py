"""What is to be forgotten leaves collections and runs, with all that was derived from it, and does not come back."""

import asyncio
import base64
import gzip
import io
import json
import re
import shutil
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import ROOT
from data.collect.test_bluesky import stored
from loopback import DAY, post_event
from PIL import Image

from altlib.cli.main import main
from altlib.core.errors import CorpusError, RunError
from altlib.core.files import read_json, write_json
from altlib.data.collect import mastodon, x
from altlib.data.collect.reading import open_collection
from altlib.data.collect.store import Collection
from altlib.data.posts import as_posts, read_corpus, write_corpus
from altlib.data.sources import registry
from altlib.evaluation.study.answers import merge_answers, write_answers
from altlib.evaluation.study.audit import audit_study, write_sheet
from altlib.evaluation.study.comparisons import compare_systems
from altlib.evaluation.study.folder import read_study, write_audit, write_index, write_key
from altlib.runs.book import only_run, run_book
from altlib.runs.forgetting import forget

COUNT = 24  # posts of a collection, a third of them by each author
COLOUR = (255, 0, 255)  # of the pictures that are to be forgotten, and of no other
AUTHORS = {
    "bluesky": "did:plc:author{}aaaa",
    "mastodon": "acct:writer{}aaaa@remote.example",
    "x": "x:77700{}888",
}


def text(number: int) -> str:
    """Of post ``number``; those of the first author hold a word that no other text holds."""
    return f"The {'zanzibar' if number % 3 == 0 else 'ordinary'} boat of day {number} lies at the quay {number}"


def bring_bluesky(folder: Path) -> None:
    frames = [
        json.dumps(
            post_event(AUTHORS["bluesky"].format(n % 3), f"key{n}", DAY + n, [text(n)], text=f"Post {n}: {text(n)}")
        )
        for n in range(COUNT)
    ]
    with stored(folder, frames):
        pass


def bring_mastodon(folder: Path) -> None:
    def status(n: int) -> dict:
        media = {"type": "image", "url": f"https://files.example/{n}.png", "description": text(n)}
        return {
            "id": str(1000 + n),
            "created_at": f"2025-06-15T15:06:{n:02}.000Z",
            "account": {"acct": AUTHORS["mastodon"].format(n % 3).removeprefix("acct:")},
            "content": f"<p>Post {n}: {text(n)}</p>",
            "language": "en",
            "media_attachments": [media],
        }

    async def bring() -> None:
        with Collection(folder) as into:
            settings = mastodon.MastodonSettings(instance="https://instance.example")
            mastodon.Timeline(into, settings, print).store([("update", status(n)) for n in range(COUNT)])

    asyncio.run(bring())


def bring_x(folder: Path) -> None:
    def tweet(n: int) -> SimpleNamespace:
        return SimpleNamespace(
            id=5000 + n,
            author_id=AUTHORS["x"].format(n % 3).removeprefix("x:"),
            created_at=datetime(2022, 6, 21, 12, 0, n, tzinfo=UTC),
            text=f"Post {n}: {text(n)}",
            lang="en",
            attachments={"media_keys": [f"m{n}"]},
            possibly_sensitive=False,
            referenced_tweets=[],
        )

    media = [
        SimpleNamespace(media_key=f"m{n}", type="photo", url=f"https://files.example/{n}", alt_text=text(n))
        for n in range(COUNT)
    ]
    response = SimpleNamespace(data=[tweet(n) for n in range(COUNT)], includes={"media": media})
    with Collection(folder) as into, into.together():
        for post in x.posts_of(response, {}, Counter()):
            into.put(post)


BRING = {"bluesky": bring_bluesky, "mastodon": bring_mastodon, "x": bring_x}


def collect(source: str, folder: Path) -> Path:
    """A collection as the collector of a source brings it, with its pictures; one of each author's failed."""
    BRING[source](folder)
    rng = np.random.default_rng(0)
    with Collection(folder) as collection:
        rows = collection.base.execute("SELECT file, alt_text FROM pictures ORDER BY file").fetchall()
        for file, alt in rows:
            number = int(re.findall(r"\d+", alt)[-1])
            if number >= COUNT - 3:
                collection.settle(file, "the host answers 404")
                continue
            noise = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
            picture = Image.new("RGB", (48, 48), COLOUR) if "zanzibar" in alt else Image.fromarray(noise)
            if "zanzibar" in alt:  # unlike each other, so that they are no near-duplicates
                picture.putdata([(255 - (i * number) % 17, 0, 255) for i in range(48 * 48)])
            picture.save(folder / "images" / file, "PNG")
            collection.settle(file)
        collection.set_fact("source", source)
    return folder


@pytest.fixture(params=AUTHORS)
def source(request) -> str:
    return request.param


@pytest.fixture
def collection(tmp_path, source) -> Path:
    return collect(source, tmp_path / "data")


def make_run(folder: Path, source: str, collection: Path) -> Path:
    """A run that read the collection, with things derived from it."""
    posts, unreadable = registry.collect(source, folder / "corpus", path=str(collection))
    write_corpus(folder / "corpus", posts[5:].assign(split="train"))
    left_out = pd.concat([posts[:5].assign(reason="near-duplicate picture"), pd.DataFrame(unreadable)])
    left_out[["item_id", "post_id", "author", "text", "alt_text", "image", "reason"]].to_parquet(
        folder / "corpus" / "excluded.parquet", index=False
    )
    write_json(folder / "corpus" / "steps.json", {"source": source, "steps": [], "unreadable": unreadable})
    write_json(folder / "parameters.json", {"collection": {"source": source, "source_path": str(collection)}})
    for name in ("features", "notebooks", "html", "records", "captioners", ".snakemake", "anything-new", "backbones"):
        (folder / name).mkdir()
        (folder / name / "x").write_text(text(0) if name != "backbones" else "drawn")
    for name in ("failure.json", ".parameters.json.half.part", "corpus/.posts.parquet.half.part"):
        (folder / name).write_text(text(0))
    return folder


@pytest.fixture
def run(tmp_path, source, collection) -> Path:
    return make_run(tmp_path / "run", source, collection)


def shown_pictures(content: bytes):
    """The pictures that a file is, or that a page or notebook embeds."""
    embedded = [base64.b64decode(b) for b in re.findall(rb"data:image/[a-z]+;base64,([A-Za-z0-9+/=]+)", content)]
    embedded += [
        base64.b64decode(b.replace(rb"\n", b"")) for b in re.findall(rb'"image/(?:png|jpeg)": "([^"]+)"', content)
    ]
    for one in (content, *embedded):
        try:
            yield np.asarray(Image.open(io.BytesIO(one)).convert("RGB"), dtype=int)
        except OSError:
            continue


def traces(folder: Path, source: str) -> list[str]:
    """Where a word, an address or a picture of the first author is found, in every file, decoded."""
    author = AUTHORS[source].format(0)
    words = [
        b"zanzibar",
        *(part.encode() for part in re.split(r"[:@]", author) if part[-1].isdigit() or "aaaa" in part),
    ]
    words += {"bluesky": [], "mastodon": [b"statuses/1000", b"statuses/1021"], "x": [b"status/5000", b"status/5021"]}[
        source
    ]
    found = []
    for path in (p for p in folder.rglob("*") if p.is_file()):
        contents = [path.read_bytes(), str(path.relative_to(folder)).encode()]
        if contents[0][:2] == b"\x1f\x8b":
            contents.append(gzip.decompress(contents[0]))
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            contents.append(f"{table.to_pydict()} {table.schema.metadata} {pq.read_metadata(path)}".encode())
        found += [f"{path}: {word}" for word in words for content in contents if word in content]
        for picture in shown_pictures(contents[0]):
            red, green, blue = picture.reshape(-1, 3).mean(axis=0)
            if red > 225 and green < 25 and blue > 225:
                found.append(f"{path}: picture")
    return found


def test_after_forgetting_an_author_no_byte_is_found(run, collection, source, capsys) -> None:
    assert len({t.rpartition(": ")[0] for t in traces(run, source)}) > 10 and traces(collection, source)
    assert main(["forget", str(run), "--author", AUTHORS[source].format(0)]) == 0
    assert traces(run, source) == [] and traces(collection, source) == []
    assert "8 pictures forgotten; they will not be collected again" in capsys.readouterr().out
    assert (run / "backbones" / "x").is_file() and len(read_corpus(run / "corpus")) > 5
    assert {p.name for p in run.iterdir()} == {"corpus", "backbones", "lock", "parameters.json"}
    with open_collection(collection) as opened:
        assert len(list(opened.posts([]))) == 14


def test_the_forgotten_are_not_collected_again_and_do_not_come_back_into_the_run(run, collection, source) -> None:
    forget([run], [], [AUTHORS[source].format(0)])
    BRING[source](collection)
    assert traces(collection, source) == []
    again = collect(source, run.parent / "elsewhere")  # somebody else's collection of the same posts
    posts, _ = registry.collect(source, run / "corpus", path=str(again))
    assert len(posts) == 14 and not posts["text"].str.contains("zanzibar").any()


def test_one_post_is_forgotten_by_the_address_of_its_page(run, collection, source) -> None:
    page = {
        "bluesky": "https://bsky.app/profile/did:plc:author0aaaa/post/key9",
        "mastodon": "https://instance.example/@writer0aaaa@remote.example/1009",
        "x": "https://twitter.com/somebody/status/5009?s=20",
    }[source]
    targets = forget([run], [page], [])
    assert sorted(target.pictures for target in targets) == [1, 1]
    assert not read_corpus(run / "corpus")["text"].str.contains("day 9 ").any()
    assert read_corpus(run / "corpus")["text"].str.contains("zanzibar").any()


def test_what_raters_said_of_other_posts_is_kept(run, source) -> None:
    posts = read_corpus(run / "corpus")
    audited = audit_study(posts)
    write_audit(audited, run / "study")
    given = {item.item_id: {"fluent": "yes"} for item in audited.items}
    write_answers(run / "study" / "answers" / "ann.json", audited, "ann", "2026-01-01", given, {})
    sheet, _ = write_sheet(posts, run / "audit")
    assert "zanzibar" in sheet.read_text()
    forget([run], [], [AUTHORS[source].format(0)])
    assert traces(run, source) == []
    left = set(read_corpus(run / "corpus")["item_id"])
    merged = merge_answers([run / "study" / "answers" / "ann.json"], read_study(run / "study").expected)
    assert set(merged.frame["item_id"]) == left and not merged.left_out
    assert set(pd.read_csv(sheet)["item_id"]) == left


def test_a_study_outside_of_the_run_forgets_if_it_is_named(run, collection, source) -> None:
    audited = audit_study(read_corpus(run / "corpus"))
    write_audit(audited, run.parent / "my-study")
    targets = forget([run, run.parent / "my-study"], [], [AUTHORS[source].format(0)])
    assert traces(run.parent / "my-study", source) == []
    left = set(read_corpus(run / "corpus")["item_id"])
    assert read_study(run.parent / "my-study").expected.items == left
    assert targets[-1].pictures == len(audited.items) - len(left) > 0


def test_a_name_that_is_nowhere_is_an_error_that_shows_how_to_write_it(run, collection, source, capsys) -> None:
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file() and p.name != "lock"}
    assert main(["forget", str(run), "--author", AUTHORS[source].format(0), "--author", "somebody"]) == 1
    told = capsys.readouterr().err
    assert "no post by 'somebody' was found" in told and registry.SOURCES[source].author_is in told
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file() and p.name != "lock"} == before
    assert main(["forget", str(run), "--author", AUTHORS[source].format(0)]) == 0
    assert main(["forget", str(run), "--author", AUTHORS[source].format(0)]) == 0  # known as forgotten


@pytest.mark.parametrize(
    "written", ["@writer0aaaa@remote.example", "https://remote.example/@writer0aaaa", "writer0aaaa@remote.example"]
)
def test_an_author_of_mastodon_may_be_written_as_people_do(tmp_path, written) -> None:
    folder = collect("mastodon", tmp_path / "data")
    assert forget([folder], [], [written])[0].pictures == 8


class Killed(BaseException):
    """The process is dead: nothing that it tries any more has an effect."""


class Killer:
    """Stops this process at its ``at``-th change of a file, and at all later ones."""

    CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.rmtree", "tempfile.mkstemp")

    def __init__(self) -> None:
        self.at, self.seen, self.armed = 0, 0, False
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple) -> None:
        if self.armed and event in self.CHANGES:
            self.seen += 1
            if self.seen >= self.at:
                raise Killed


@pytest.fixture(scope="module")
def killer() -> Killer:
    return Killer()


def add_comparisons(run: Path) -> Path:
    """Comparisons of two systems with results of Mechanical Turk, which hold the posts; returns the study's folder."""
    posts, folder = read_corpus(run / "corpus"), run / "study"
    written = {name: [f"{name}: {alt}" for alt in posts["alt_text"]] for name in ("one", "two")}
    found = compare_systems(posts, written, [("one", "two")], len(posts), 0)
    write_key(folder / "keys" / "comparisons.csv", found.key)
    write_index(folder, [found.study], found.pairs, 0)
    (folder / "answers").mkdir()
    rows = [f'W1,{item.item_id},"{item.post}",first\n' for item in found.study.items]
    (folder / "answers" / "turk.csv").write_text("WorkerId,Input.item_id,Input.post,Answer.fluency\n" + "".join(rows))
    return folder


def test_forgetting_that_is_killed_at_any_moment_is_finished_by_the_same_command(tmp_path, killer) -> None:
    collect("mastodon", tmp_path / "pristine" / "data")
    author, moments, done = AUTHORS["mastodon"].format(0), 0, False
    while not done:
        moments += 1
        shutil.rmtree(tmp_path / "work", ignore_errors=True)
        shutil.copytree(tmp_path / "pristine", tmp_path / "work")
        run = make_run(tmp_path / "work" / "run", "mastodon", tmp_path / "work" / "data")
        study = add_comparisons(run)
        killer.at, killer.seen, killer.armed = moments, 0, True
        try:
            forget([run], [], [author])
            done = True
        except Killed:
            pass
        finally:
            killer.armed = False
        if (run / "corpus" / "forgotten.json").is_file():  # once it is noted, it stays away
            posts, _ = registry.collect("mastodon", run / "corpus", path=str(tmp_path / "work" / "data"))
            assert not posts["text"].str.contains("zanzibar").any()
        forget([run], [], [author])
        assert traces(tmp_path / "work", "mastodon") == [], moments
        merged = merge_answers([study / "answers" / "turk.csv"], read_study(study).expected)
        assert len(merged.frame) == len(read_corpus(run / "corpus")) and not merged.left_out, moments
    assert moments > 30


def test_a_run_whose_forgetting_was_stopped_does_not_go_on(project) -> None:
    (project / "runs" / "r" / "corpus").mkdir(parents=True)
    write_json(project / "runs" / "r" / "corpus" / "forgotten.json", {"fingerprints": ["0"], "finished": False})
    with pytest.raises(CorpusError, match="the same `altlib forget` command again"):
        run_book(project / "p.yaml", [], [], project)


def test_models_are_kept_if_asked_and_that_is_noted(tmp_path) -> None:
    run = make_run(tmp_path / "run", "x", collect("x", tmp_path / "data"))
    run_target = forget([run], ["https://x.com/i/status/5009"], [], keep_models=True)[-1]
    assert run_target.pictures == 1 and "captioners" not in run_target.deleted
    assert (run / "captioners").is_dir() and not (run / "features").exists()
    note = read_json(run / "corpus" / "forgotten.json")
    assert (note["pictures"], note["models_kept"], note["finished"]) == (1, True, True)


def test_a_run_without_the_post_is_left_as_it_is(tmp_path) -> None:
    run = make_run(tmp_path / "run", "x", collect("x", tmp_path / "data"))
    corpus = read_corpus(run / "corpus")
    write_corpus(run / "corpus", corpus[corpus["post_id"] != "https://x.com/i/status/5009"])
    targets = forget([run], ["https://x.com/i/status/5009"], [])
    assert [target.pictures for target in targets] == [1, 0] and (run / "features").is_dir()


def test_a_corpus_that_was_not_completed_is_deleted(tmp_path) -> None:
    run = make_run(tmp_path / "run", "x", collect("x", tmp_path / "data"))
    (run / "corpus" / "cleaning").mkdir()
    (run / "corpus" / "cleaning" / "shard.json").write_text(text(0))
    forget([run], [], [AUTHORS["x"].format(0)])
    assert [p.name for p in (run / "corpus").iterdir()] == ["forgotten.json"]


def test_a_corpus_without_authors_is_searched_by_the_collection(tmp_path) -> None:
    run = make_run(tmp_path / "run", "mastodon", collect("mastodon", tmp_path / "data"))
    for name in ("posts", "excluded"):
        table = pd.read_parquet(run / "corpus" / f"{name}.parquet").drop(columns="author")
        table.to_parquet(run / "corpus" / f"{name}.parquet", index=False)
    forget([run], [], [AUTHORS["mastodon"].format(0)])
    assert traces(run, "mastodon") == []


def test_pictures_that_a_table_brings_along_are_neither_kept_nor_written_again(tmp_path) -> None:
    def content(colour: tuple) -> dict:
        out = io.BytesIO()
        Image.new("RGB", (40, 40), colour).save(out, "PNG")
        return {"bytes": out.getvalue()}

    rows = [
        {"id": str(n), "user": f"u{n % 2}", "alt_text": f"A boat {n}", "image": content((n, 9, 9))} for n in range(6)
    ]
    pd.DataFrame([*rows, {**rows[1], "id": "7", "user": "u0"}]).to_parquet(tmp_path / "mine.parquet")
    corpus = tmp_path / "run" / "corpus"
    ask = {"path": str(tmp_path / "mine.parquet"), "columns": "author=user"}
    posts, _ = registry.collect("table", corpus, **ask)
    write_corpus(corpus, posts)
    write_json(corpus / "steps.json", {"unreadable": []})
    with pytest.raises(CorpusError, match="no post by 'u9'"):
        forget([tmp_path / "run"], [], ["u9"])
    assert forget([tmp_path / "run"], [], ["u1"])[0].pictures == 3
    kept = {path.name for path in (corpus / "images").iterdir()}
    assert len(kept) == 4  # one of them is a picture that another author posted, too
    again, _ = registry.collect("table", corpus, **ask)
    assert again["item_id"].tolist() == ["0", "2", "4", "7"]
    assert {path.name for path in (corpus / "images").iterdir()} == kept


def test_what_is_written_to_is_not_touched(tmp_path) -> None:
    data = collect("x", tmp_path / "data")
    run = make_run(tmp_path / "run", "x", data)
    with Collection(data), pytest.raises(CorpusError, match="another process is collecting into"):
        forget([run], [], [AUTHORS["x"].format(0)])
    with only_run(run), pytest.raises(RunError, match="another process is running"):
        forget([run], [], [AUTHORS["x"].format(0)])
    assert traces(run, "x")


def test_mistakes_are_explained(tmp_path, capsys) -> None:
    with pytest.raises(CorpusError, match="neither a collection"):
        forget([tmp_path], [AUTHORS["x"]], [])
    assert main(["forget", str(tmp_path)]) == 1
    assert "say what to forget" in capsys.readouterr().err


def test_a_dehydrated_corpus_holds_addresses_only(tmp_path) -> None:
    data = collect("bluesky", tmp_path / "data")
    assert main(["dehydrate", str(data), str(tmp_path / "ids.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "ids.jsonl").read_text().splitlines()]
    assert len(lines) == COUNT - 3
    assert all(set(line) == {"post_id", "picture", "media_url"} for line in lines)


def test_chapter_01_and_its_page_forget_and_do_not_bring_back(tmp_path) -> None:
    """The real chapter, Snakemake and Jupyter Book over a collection; then the run goes on."""
    collect("mastodon", tmp_path / "data")
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "book" / "01-collection.ipynb", tmp_path / "book")
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    (tmp_path / "book" / "intro.md").write_text("# Hello\n")
    (tmp_path / "book" / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n  - file: 01-collection\n")
    (tmp_path / "_config.yml").write_text(
        "title: T\nexecute:\n  execute_notebooks: 'off'\nbibtex_bibfiles: [references.bib]\n"
        "html:\n  use_repository_button: false\n"
    )
    asked = {"source": "mastodon", "source_path": "data", "validation_share": 0.2, "test_share": 0.2}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({"run": "r", "collection": asked}))
    run = tmp_path / "runs" / "r"
    run_book(tmp_path / "p.yaml", [], ["--quiet", "all"], tmp_path)
    before = {Path(t.rpartition(": ")[0]).relative_to(run).parts[0] for t in traces(run, "mastodon")}
    assert before >= {"corpus", "notebooks", "html", "audit"}
    forget([run], [], [AUTHORS["mastodon"].format(0)])
    assert traces(tmp_path, "mastodon") == []
    run_book(tmp_path / "p.yaml", [], ["--omit-from", "render"], tmp_path)
    assert len(as_posts(read_corpus(run / "corpus"))) == 14
    assert traces(tmp_path, "mastodon") == []
