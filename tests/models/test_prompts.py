from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.models.prompts import Prompt, fill, json_in, read_template


@given(st.text(), st.text())
def test_values_are_filled_in_once_and_as_they_are(first, second):
    assert fill('{a}|{b}|{"k": 1}', {"a": first, "b": second}) == f'{first}|{second}|{{"k": 1}}'


def test_json_is_found_in_whatever_stands_around_it():
    assert json_in('So {this}: ```{"a": {"b": 1}}``` {"c": 2}') == {"a": {"b": 1}}
    for text in ("", "[1, 2]", "{a: 1}", '{"a": '):
        with pytest.raises(ValueError, match="no JSON object"):
            json_in(text)


@pytest.mark.parametrize(
    "content,words",
    [
        ('user = "rate {text}"', r"lacks the placeholders \{reference\}"),
        ('user = "{text} {reference} {nmae}"', r"unknown placeholders \{nmae\}"),
        ('system = "{text} {reference}"', "must hold the texts 'user'"),
        ("user = 3", "must hold the texts 'user'"),
        ("user =", "not valid TOML"),
    ],
)
def test_a_prompt_file_that_cannot_be_used_says_why(tmp_path, content, words):
    path = tmp_path / "prompt.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=words) as error:
        read_template(path, ("text", "reference"))
    assert "prompt.toml" in str(error.value)


def test_a_prompt_file_is_read(tmp_path):
    path = tmp_path / "prompt.toml"
    path.write_text('system = "Be fair."\nuser = "{text} {reference} {post}"')
    assert read_template(path, ("text", "reference"), ("post",))["system"] == "Be fair."
    with pytest.raises(ValueError, match="there is no prompt file"):
        read_template(tmp_path / "x.toml", ())


def test_the_key_of_a_question_changes_with_everything_that_is_asked(picture):
    pictures = [str(picture(f"{n}.png", size=(30 + n, 40))) for n in range(2)]
    usual = Prompt("What is it?", "You are kind.", pictures[0], "{}", 0)
    changes = {"user": "What?", "system": "", "image": pictures[1], "schema": "", "repeat": 1}
    assert set(changes) == {field.name for field in fields(Prompt)}
    prompts = [usual, *(replace(usual, **{name: value}) for name, value in changes.items()), replace(usual, image="")]
    keys = [prompt.key("http://a", "tiny", [1]) for prompt in prompts]
    keys += [
        usual.key("http://b", "tiny", [1]),
        usual.key("http://a", "large", [1]),
        usual.key("http://a", "tiny", [2]),
    ]
    assert len(set(keys)) == len(keys)
