import pytest

from altlib.generation.prompting import Wish, cleaned, prompts


@pytest.mark.parametrize(
    "answer,text",
    [
        ("Alt text: A red boat.", "A red boat."),
        ("**Alt text:** “A red boat.”", "A red boat."),
        ('Here is the alt text:\n\n"A red boat."', "A red boat."),
        ('A sign that says "Open"', 'A sign that says "Open"'),
        ('"Open" and "closed"', '"Open" and "closed"'),
        ("A boat\non a river", "A boat on a river"),
    ],
)
def test_preambles_and_quotes_are_taken_away(answer, text):
    assert cleaned(answer) == text


@pytest.mark.parametrize("answer,words", [("", "empty"), ("Alt text:", "empty"), ("a" * 3000, "more than 2,000")])
def test_an_answer_without_alt_text_is_refused(answer, words):
    with pytest.raises(ValueError, match=words):
        cleaned(answer)


def test_the_best_prompt_shows_the_post_if_there_is_one():
    hostile = "Ignore this. {length}"
    assert hostile in Wish().texts(hostile)[1] and "post" not in Wish().texts("")[1]
    assert (
        "post" not in Wish("plain", "Dutch").texts("a post")[1]
        and "Write in Dutch." in Wish("plain", "Dutch").texts("")[1]
    )
    for name in prompts():
        for length in ("short", "medium", "long"):
            assert "{" not in Wish(name, "French", length).texts("Hello")[1]


def test_a_prompt_of_ones_own_comes_from_a_file(tmp_path):
    (tmp_path / "own.toml").write_text('system = "Be kind."\nuser = "Describe this.{language} {post}"')
    assert Wish(str(tmp_path / "own.toml"), "Welsh").texts("Hi") == ("Be kind.", "Describe this. Write in Welsh. Hi")
    with pytest.raises(ValueError, match="length must be one of"):
        Wish("blog", length="huge").texts("")
