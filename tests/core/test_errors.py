"""Errors that are counted by their reason."""

from altlib.core.errors import FetchError, PictureError


def test_a_picture_error_names_the_file_and_counts_by_its_reason():
    error = PictureError("a.png", "too small")
    assert str(error) == "a.png: too small" and error.reason == "too small"


def test_a_fetch_error_shows_no_more_than_the_beginning_of_an_address():
    error = FetchError("https://example.org/" + "x" * 5000, "gone", status=410)
    assert len(str(error)) < 220 and str(error).endswith("gone") and error.status == 410 and not error.passing
