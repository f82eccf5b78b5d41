"""Addresses of a collection written from the command line."""

import json

from altlib.cli.main import main
from altlib.data.collect.store import CollectedPicture, CollectedPost, Collection


def test_only_addresses_of_the_pictures_that_are_here_are_written(tmp_path, capsys):
    with Collection(tmp_path / "c") as collection:
        pictures = tuple(CollectedPicture(n, "A heron", f"https://example.org/{n}") for n in (0, 1))
        collection.put(CollectedPost("at://a/p", "did:plc:a", 1, "2024-01-01", "At the lake", "en", pictures))
        collection.settle(collection.pending(1, set())[0][0])
    assert main(["dehydrate", str(tmp_path / "c"), str(tmp_path / "ids.jsonl")]) == 0
    assert "addresses of 1 pictures" in capsys.readouterr().out
    (line,) = (tmp_path / "ids.jsonl").read_text().splitlines()
    assert json.loads(line).keys() == {"post_id", "picture", "media_url"} and "heron" not in line


def test_a_folder_without_a_collection_is_named(tmp_path, capsys):
    assert main(["dehydrate", str(tmp_path), str(tmp_path / "ids.jsonl")]) == 1
    assert f"no collection in {tmp_path}" in capsys.readouterr().err
    assert not (tmp_path / "ids.jsonl").exists()
