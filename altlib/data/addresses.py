"""Addresses of posts and authors: the form in which each network's are kept, and one-way fingerprints of them."""

from __future__ import annotations

import hashlib
import re

# What people write for an author, and the form in which a collection keeps it.
AUTHORS = (
    (r"(?:at://|https?://bsky\.app/profile/)?(did:[a-z]+:[A-Za-z0-9._:%-]+)/?", r"\1"),
    (r"(?:acct:)?@?([^@/:\s]+)@([^@/\s]+)", r"acct:\1@\2"),
    (r"https?://[^/\s]+/@([^@/\s]+)@([^@/\s]+)/?", r"acct:\1@\2"),
    (r"https?://([^/\s]+)/@([^@/\s]+)/?", r"acct:\2@\1"),
    (r"(?:x:)?([0-9]+)", r"x:\1"),
)

# What people write for a post, and the form in which a collection keeps it.
POSTS = (
    (
        r"https?://bsky\.app/profile/(did:[a-z]+:[A-Za-z0-9._:%-]+)/post/([A-Za-z0-9._:~-]+)/?",
        r"at://\1/app.bsky.feed.post/\2",
    ),
    (r"https?://(?:www\.)?(?:x|twitter)\.com/[^/\s]+/status/([0-9]+)\S*", r"https://x.com/i/status/\1"),
    (r"(https?://[^/\s]+)/@[^/\s]+/([0-9]+)/?", r"\1/statuses/\2"),
)


def in_kept_form(text: str, forms: tuple[tuple[str, str], ...]) -> str:
    """The text rewritten by the first of ``forms`` that fits the whole of it; as it is if none does."""
    text = text.strip()
    for written, kept in forms:
        if match := re.fullmatch(written, text):
            return match.expand(kept)
    return text


def author_address(text: str) -> str:
    """An author in the form in which collections keep them: ``did:plc:...``, ``acct:name@instance``, ``x:number``."""
    return in_kept_form(text, AUTHORS)


def post_address(text: str) -> str:
    """A post in the form in which collections keep them, from its page's address or that form itself."""
    return in_kept_form(text, POSTS)


def fingerprint(address: str) -> bytes:
    """A one-way fingerprint of a post's or an author's address, 16 bytes."""
    return hashlib.blake2b(address.encode("utf-8", "surrogatepass"), digest_size=16).digest()
