from hypothesis import given
from hypothesis import strategies as st

from altlib.miniworld.lexicon import lexicon, things
from altlib.miniworld.reading import NAME, mentions_of, read_text, tokens


def test_names_hide_the_words_in_them():
    reading = read_text("Green Arrow at the Christmas Market in Ravenscar Green")
    assert not [m for m in reading.mentions if m.fact in ("colour", "place")]
    assert [t.word for t in reading.words if t.word != NAME] == ["at", "the", "in"]


def test_longer_phrases_win():
    assert mentions_of("a pie chart", "detail") == {"pie"} and not mentions_of("a pie chart", "thing")
    assert mentions_of("a woman in a headscarf", "person") == {"woman in a headscarf"}
    assert mentions_of("a box kite", "thing") == {"kite"}


def test_what_is_denied_is_not_mentioned_but_its_neighbours_are():
    assert mentions_of("There is no dog, but a cat.", "thing") == {"cat"}
    assert mentions_of("The dog is not here. A cat is.", "thing") == {"dog", "cat"}


def test_american_and_british_spellings_are_read_alike():
    assert mentions_of("a gray watercolor of a donut", "colour") == mentions_of("a grey one", "colour")
    assert mentions_of("a donut", "thing") == {"doughnut"}


def test_every_noun_of_the_lexicon_is_read_as_its_thing():
    for thing in things().values():
        for noun in thing.nouns:
            assert mentions_of(f"there it was: {noun}.", "thing") == {thing.nouns[0]}, noun


def test_every_phrase_of_the_weather_is_read_as_its_weather():
    for weather, ways in lexicon()["weather"].items():
        for phrase in (*ways["ends"], *ways["day"]):
            assert mentions_of(f"two apples {phrase}", "weather") == {weather}, phrase


@given(st.text(max_size=200))
def test_any_text_can_be_read_and_tokens_lie_in_it(text):
    reading = read_text(text)
    assert all(0 <= t.start < t.end <= len(text) for t in tokens(text))
    assert all(0 <= m.start < m.end <= len(reading.words) for m in reading.mentions)
