import pytest

from altlib.core.errors import EndpointError
from altlib.models.endpoint import KEY_VARIABLE, Endpoint


@pytest.mark.parametrize(
    "url,words",
    [
        ("openrouter.ai/api/v1", "must be a web address"),
        ("sk-secret-0123", "must be a web address"),
        ("https://sk-secret-0123@example.org/v1", "keys are read from the environment only"),
        ("https://example.org/v1?key=sk-secret-0123", "keys are read from the environment only"),
        ("http://example.org/v1", "must begin with https"),
    ],
)
def test_an_address_that_is_none_or_holds_a_key_is_refused_without_repeating_it(url, words):
    with pytest.raises(EndpointError, match=words) as error:
        Endpoint(url, "m")
    assert "sk-secret" not in str(error.value)


def test_a_key_in_place_of_its_variable_is_refused_without_repeating_it():
    with pytest.raises(EndpointError, match="must be the name of an environment variable") as error:
        Endpoint("https://example.org/v1", "m", key_variable="sk-secret-0123")
    assert "sk-secret" not in str(error.value)


def test_an_endpoint_without_a_key_says_which_variable_to_set(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(EndpointError, match=f"set the environment variable {KEY_VARIABLE}"):
        _ = Endpoint("https://example.org/v1", "m").key
    assert Endpoint("http://localhost:11434/v1", "m").key == ""
    monkeypatch.setenv(KEY_VARIABLE, "abc")
    assert Endpoint("https://example.org/v1", "m").key == "abc"
