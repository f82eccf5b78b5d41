import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.data.addresses import author_address, fingerprint, post_address


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("did:plc:ab12", "did:plc:ab12"),
        ("at://did:plc:ab12/", "did:plc:ab12"),
        ("https://bsky.app/profile/did:plc:ab12", "did:plc:ab12"),
        ("acct:ada@example.org", "acct:ada@example.org"),
        (" @ada@example.org ", "acct:ada@example.org"),
        ("https://example.org/@ada", "acct:ada@example.org"),
        ("https://example.org/@ada@remote.example", "acct:ada@remote.example"),
        ("783214", "x:783214"),
        ("x:783214", "x:783214"),
        ("ada", "ada"),
    ],
)
def test_authors_are_understood_as_people_write_them(written, kept) -> None:
    assert author_address(written) == kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("at://did:plc:ab12/app.bsky.feed.post/k", "at://did:plc:ab12/app.bsky.feed.post/k"),
        ("https://bsky.app/profile/did:plc:ab12/post/k", "at://did:plc:ab12/app.bsky.feed.post/k"),
        ("https://twitter.com/ada/status/20?s=20", "https://x.com/i/status/20"),
        ("https://x.com/i/status/20", "https://x.com/i/status/20"),
        ("https://example.org/@ada@remote.example/77", "https://example.org/statuses/77"),
        ("https://example.org/statuses/77", "https://example.org/statuses/77"),
        ("42-1", "42-1"),
    ],
)
def test_posts_are_understood_by_the_addresses_of_their_pages(written, kept) -> None:
    assert post_address(written) == kept


@given(st.text(max_size=60))
def test_the_kept_form_is_kept(text) -> None:
    assert author_address(author_address(text)) == author_address(text)
    assert post_address(post_address(text)) == post_address(text)


def test_a_fingerprint_tells_nothing_and_differs() -> None:
    assert len(fingerprint("did:plc:ab12")) == 16 and fingerprint("a") != fingerprint("b")
    assert fingerprint("\ud800")  # half a character, as broken sources hold it
