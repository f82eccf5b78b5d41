from hypothesis import given
from hypothesis import strategies as st

from altlib.miniworld.lexicon import authors
from altlib.miniworld.style import american, styled


def test_american_spelling_keeps_capitals_and_plurals():
    assert american("Grey colours at the harbour theatre.") == "Gray colors at the harbor theater."
    assert american("greyhound") == "greyhound"


def test_habits_change_case_digits_and_the_last_stop():
    assert styled("Two red cups.", {"case": "lower", "digits": True, "stop": False}) == "2 red cups"
    assert styled("Two red cups.", {}) == "Two red cups."


@given(st.text(alphabet="Two grey cups in Hartwick.!?", max_size=60), st.sampled_from(sorted(authors())))
def test_what_an_author_has_typed_stays_as_it_is(text, name):
    once = styled(text, authors()[name])
    assert once.rstrip(".") == styled(once, authors()[name]).rstrip(".")
