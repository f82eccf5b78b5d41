import pytest

from altlib.core.errors import CorpusError
from altlib.data.addresses import fingerprint
from altlib.data.forgotten import Forgotten, Match, check_forgetting_finished, read_forgotten, write_forgotten


def match(*addresses: str) -> Match:
    asked = Forgotten()
    asked.add(addresses)
    return Match(asked)


def test_a_row_is_known_by_its_post_its_item_and_its_author() -> None:
    assert match("p").hits({"post_id": "p"}) and match("p").hits({"item_id": "p#0"})
    assert match("a").hits({"post_id": "q", "author": fingerprint("a").hex()})
    assert not match("p").hits({"post_id": "q", "item_id": "q#0", "author": ""})
    assert not match("p").hits({"post_id": None, "item_id": "pp#0", "author": None})
    assert not match().hits({"post_id": "", "item_id": "", "author": ""})


def test_an_author_of_bluesky_is_known_by_the_addresses_of_posts() -> None:
    asked = match("did:plc:ab")
    assert asked.hits({"item_id": "at://did:plc:ab/app.bsky.feed.post/k#0"})
    assert not asked.hits({"item_id": "at://did:plc:abc/app.bsky.feed.post/k#0"})


def test_what_was_asked_for_is_kept_as_fingerprints_only(tmp_path) -> None:
    note = read_forgotten(tmp_path)
    assert note == Forgotten() and note.finished
    note.add(["did:plc:ab", "did:plc:ab"])
    write_forgotten(tmp_path, note)
    assert read_forgotten(tmp_path) == note and len(note.fingerprints) == 1
    assert note.knows("did:plc:ab") and not note.knows("did:plc:abc")
    assert "plc" not in (tmp_path / "forgotten.json").read_text()


def test_forgetting_that_was_stopped_is_told(tmp_path) -> None:
    check_forgetting_finished(tmp_path)
    write_forgotten(tmp_path, Forgotten(finished=False))
    with pytest.raises(CorpusError, match="stopped before its end"):
        check_forgetting_finished(tmp_path)
