"""What a collection holds follows from the events, in whatever order they come."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altlib.core.errors import CorpusError
from altlib.data.collect.reading import open_collection
from altlib.data.collect.store import CollectedPicture, CollectedPost, Collection


def post(uri: str = "p", version: int = 1, pictures: int = 1, author: str = "a") -> CollectedPost:
    taken = tuple(CollectedPicture(n, f"alt {version}", f"https://example.org/{uri}/{n}") for n in range(pictures))
    return CollectedPost(uri, author, version, "2024-01-01", f"text {version}", "en", taken)


events = st.one_of(
    st.builds(post, st.sampled_from("pq"), st.integers(1, 4), st.integers(0, 2)),
    st.tuples(st.sampled_from("pq"), st.integers(1, 4)),
)


def held(order: list) -> list[tuple]:
    with tempfile.TemporaryDirectory() as folder, Collection(Path(folder)) as collection:
        for event in order:
            with collection.together():
                collection.put(event) if isinstance(event, CollectedPost) else collection.remove(*event)
        assert collection.wanted == sum(collection.states().values())
        for file, _ in collection.pending(100, set()):
            collection.settle(file)
        return [(p["item_id"], p["text"], p["alt_text"]) for p in collection.posts([])]


@given(
    st.lists(events, max_size=8, unique_by=lambda e: (e.uri, e.version) if isinstance(e, CollectedPost) else e),
    st.randoms(),
)
@settings(deadline=None, max_examples=50)
def test_the_order_of_events_does_not_matter(order, random):
    # One version of a post is one state, so no post may also be removed in the version that it has.
    removed = {e for e in order if isinstance(e, tuple)}
    order = [e for e in order if isinstance(e, tuple) or (e.uri, e.version) not in removed]
    expected = held(order)
    again = order + order[:3]
    random.shuffle(again)
    assert held(again) == expected


def test_what_fails_within_a_block_leaves_nothing(tmp_path):
    with Collection(tmp_path) as collection:
        with pytest.raises(ZeroDivisionError), collection.together():
            collection.put(post())
            collection.set_fact("cursor", str(1 // 0))
        assert collection.states() == {"pending": 0, "kept": 0, "failed": 0} and collection.wanted == 0


def test_pictures_that_failed_are_listed_with_their_reason(tmp_path):
    with Collection(tmp_path) as collection:
        collection.put(post(pictures=2))
        first, second = (file for file, _ in collection.pending(9, set()))
        collection.settle(first, "too large")
        collection.settle(second)
        unreadable: list[dict] = []
        assert len(list(collection.posts(unreadable))) == 1 and unreadable[0]["reason"] == "too large"
        assert [d["post_id"] for d in collection.dehydrated()] == ["p"]


def test_files_that_belong_to_no_picture_are_deleted_by_the_next_writer(tmp_path):
    with Collection(tmp_path):
        (tmp_path / "images" / "left").write_bytes(b"x")
    with open_collection(tmp_path):
        assert [p.name for p in (tmp_path / "images").iterdir()] == ["left"]  # the writer may be at it
    with Collection(tmp_path):
        assert not list((tmp_path / "images").iterdir())
    with pytest.raises(CorpusError, match="no collection in"):
        open_collection(tmp_path / "nowhere")
