"""Questions to a server that answers wrongly in every way."""

import asyncio
import base64
import dataclasses
import io
import os
import signal
import subprocess
import sys
from decimal import Decimal
from types import SimpleNamespace

import pytest
from PIL import Image

from altlib.core.errors import EndpointError
from altlib.evaluation.judges.language_model import checked_rating
from altlib.models import asking
from altlib.models.asking import ask_all
from altlib.models.endpoint import KEY_VARIABLE, Endpoint
from altlib.models.prompts import Prompt
from altlib.models.replies import spent_in
from tests.conftest import ROOT, wait_until
from tests.language_models import GOOD, TOKENS_IN, TOKENS_OUT, WRITTEN, LanguageModelServer, language_model_server

SECRET = "sk-very-secret-123456"
SCORES = {k: v for k, v in GOOD.items() if k != "reasoning"}
PRICE = (Decimal(TOKENS_IN) * 3 + Decimal(TOKENS_OUT) * 15) / 1_000_000


def endpoint(url: str, **changes) -> Endpoint:
    settings = {"dollars_in": 3.0, "dollars_out": 15.0, "seconds": 2.0, "first_wait": 0.01, "attempts": 3}
    return Endpoint(url, "tiny", **settings | changes)


def ask(url: str, words, cache, **changes):
    return ask_all(endpoint(url, **changes), [Prompt(f"rate {word}") for word in words], checked_rating, cache)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "replies.sqlite"


WRONG_ONCE = [
    "prose",
    *[w for w in WRITTEN if w != "prose"],
    "cut",
    "no json",
    "no choices",
    "long",
    500,
    503,
    ("wait", 429),
]


def test_every_question_ends_answered_whatever_goes_wrong_once(cache):
    words = [f"word{i:02}" for i in range(len(WRONG_ONCE))]
    server = LanguageModelServer(dict(zip(words, ([w] for w in WRONG_ONCE), strict=True)))
    with language_model_server(server) as url:
        found = ask(url, words, cache)
    assert [r.value for r in found] == [SCORES] * len(words), [r.failure for r in found]
    asked = {word: server.asked[f"rate {word}"] for word in words}
    assert asked == {word: 1 if wrong == "prose" else 2 for word, wrong in zip(words, WRONG_ONCE, strict=True)}


def test_what_goes_wrong_every_time_is_listed_with_its_reason(cache):
    plan = {"range": ["out of range"] * 9, "server": [500] * 9, "slow": ["slow"] * 9, "bad": [400], "cut": ["cut"] * 9}
    with language_model_server(LanguageModelServer(plan)) as url:
        found = ask(url, ["fine", *plan], cache, seconds=0.5)
    assert found[0].value == SCORES and all(r.value is None for r in found[1:])
    for reply, words in zip(
        found[1:],
        ["whole number from 1 to 5", "answers 500", "no answer within 0.5 s", "answers 400", "broke off"],
        strict=True,
    ):
        assert words in reply.failure


def test_the_model_is_told_what_was_wrong(cache):
    server = LanguageModelServer({"x": ["out of range"]})
    with language_model_server(server) as url:
        ask(url, ["x"], cache)
    first, second = server.bodies
    assert [m["role"] for m in second["messages"]] == ["user", "assistant", "user"]
    assert "'accuracy' must be a whole number" in second["messages"][-1]["content"]
    assert "response_format" not in first  # no form was asked for


def test_the_cost_is_that_of_every_request_to_the_cent(cache):
    words = [f"word{i:02}" for i in range(40)]
    plan = {"word00": ["out of range"], "word01": ["costs"], "word02": ["no usage"], "word03": [500], "word04": ["cut"]}
    with language_model_server(LanguageModelServer(plan)) as url:
        ask(url, words, cache)
    spent = spent_in(cache)
    assert spent.requests == 43 and spent.unknown == 2
    assert spent.dollars == 39 * PRICE + Decimal("0.25")  # 40 answered, one of them after a wrong answer, less two
    assert spent.tokens_in == 40 * TOKENS_IN
    assert "of 2 requests that broke off the cost is not known" in spent.sentence()


def test_nothing_is_asked_twice(cache):
    server = LanguageModelServer()
    with language_model_server(server) as url:
        ask(url, ["a", "b", "a", "a"], cache)
        again = ask(url, ["b", "c", "a"], cache)
        assert [r.cached for r in again] == [True, False, True]
        assert set(server.asked.values()) == {1} and len(server.asked) == 3
        ask_all(endpoint(url), [Prompt("rate a", repeat=1)], checked_rating, cache)
        ask_all(endpoint(url, max_tokens=9), [Prompt("rate a")], checked_rating, cache)
    assert server.asked["rate a"] == 3


def test_many_requests_are_in_flight_but_no_more_than_allowed(cache):
    server = LanguageModelServer()
    server.delay = 0.2
    with language_model_server(server) as url:
        ask(url, range(40), cache, at_once=8)
    assert server.most_in_flight == 8


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, monkeypatch) -> None:
        self.now, self.slept = 100.0, []
        monkeypatch.setattr(asking.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(asking.asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds


def paced(url: str, **changes) -> asking.Asking:
    return asking.Asking(endpoint(url, **changes), None, checked_rating, None, asyncio.Semaphore(1))


def test_no_more_requests_are_begun_than_allowed_in_a_minute(monkeypatch):
    clock, some = Clock(monkeypatch), paced("http://localhost/v1", per_minute=30)

    async def three():
        for _ in range(3):
            await some.pace()

    asyncio.run(three())
    assert clock.slept == [2.0, 2.0]


def test_a_server_that_asks_to_wait_is_not_asked_meanwhile(monkeypatch, cache):
    with language_model_server(LanguageModelServer({"a": [("wait", 429)] * 3})) as url:
        assert "answers 429" in ask(url, ["a"], cache, longest_wait=0.5)[0].failure
    clock, some = Clock(monkeypatch), paced("http://localhost/v1")
    response = SimpleNamespace(headers={"retry-after": "7"})
    error = some.status_error(SimpleNamespace(status_code=429, message="slow down", response=response))
    assert error.passing and error.wait == 7.0
    asyncio.run(some.pace())
    assert clock.slept == [7.0]


@pytest.mark.parametrize("status,words", [(401, "key is not accepted"), (402, "no credit"), (404, "no such model")])
def test_what_no_request_can_survive_ends_at_once_and_keeps_what_is_done(cache, status, words):
    with language_model_server(LanguageModelServer()) as url:
        ask(url, ["done"], cache)
    server = LanguageModelServer({"new": [status] * 99})
    with language_model_server(server) as url, pytest.raises(EndpointError, match=words):
        ask(url, [f"new{i}" for i in range(20)], cache, at_once=1)
    assert sum(server.asked.values()) <= 2


def test_the_key_appears_in_no_output_log_or_cache(cache, monkeypatch, capfd):
    monkeypatch.setenv(KEY_VARIABLE, SECRET)
    server = LanguageModelServer({"echo": ["echo"], "bad": [400], "denied": [401]})
    with language_model_server(server) as url:
        found = ask(url, ["echo", "bad"], cache)
        with pytest.raises(EndpointError) as error:
            ask(url, ["denied"], cache)
    assert server.keys == {f"Bearer {SECRET}"}
    shown = "".join([str(found), str(error.value), *capfd.readouterr()])
    kept = b"".join(path.read_bytes() for path in cache.parent.iterdir())
    assert SECRET not in shown and SECRET.encode() not in kept
    assert "[key]" in found[1].failure and "[key]" in str(error.value)


def test_questions_are_asked_from_a_running_event_loop_too(cache):
    async def notebook():
        return ask(url, ["a"], cache)

    with language_model_server(LanguageModelServer()) as url:
        assert asyncio.run(notebook())[0].value == SCORES


KILLED = """
import sys
from pathlib import Path
from tests.models.test_asking import ask
print(len(ask(sys.argv[1], range(60), Path(sys.argv[2]), at_once=4)))
"""


def test_a_killed_run_goes_on_without_asking_again_what_was_answered(cache):
    server = LanguageModelServer()
    server.delay = 0.05
    with language_model_server(server) as url:
        command = [sys.executable, "-c", KILLED, url, str(cache)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_until(lambda: sum(server.asked.values()) >= 20, 60)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        server.delay = 0.0
        found = ask(url, range(60), cache)
    assert all(r.value == SCORES for r in found)
    answered = sum(r.cached for r in found)
    assert answered >= 16 and sum(server.asked.values()) <= 60 + 4  # those in flight when it was killed


def test_a_picture_goes_along_small_and_without_metadata(cache, picture):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    path = picture("photo.jpg", size=(1600, 800), exif=exif)
    assert Image.open(path).getexif()
    server = LanguageModelServer()
    with language_model_server(server) as url:
        ask_all(endpoint(url, picture_size=256), [Prompt("rate", image=str(path), schema="{}")], checked_rating, cache)
        missing = ask_all(endpoint(url), [Prompt("rate", image="nowhere.png")], checked_rating, cache)
    assert missing[0].failure == "image file is missing"
    text, shown = server.bodies[0]["messages"][0]["content"]
    head, _, data = shown["image_url"]["url"].partition(",")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert text["text"] == "rate" and head == "data:image/jpeg;base64"
    assert image.size == (256, 128) and not image.getexif()
    assert server.bodies[0]["response_format"]["type"] == "json_schema"


CHOOSES_ANSWERS = {"url": "http://127.0.0.1:1/v2", "model": "large", "max_tokens": 7, "temperature": 1.0}
CHOOSES_ANSWERS |= {"structured": False, "picture_size": 9}
CHOOSES_NONE = {"key_variable": "OTHER_KEY", "dollars_in": 9.0, "dollars_out": 9.0, "at_once": 3, "per_minute": 4}
CHOOSES_NONE |= {"seconds": 9.0, "attempts": 9, "first_wait": 9.0, "longest_wait": 9.0}


def test_the_key_of_an_answer_changes_with_what_of_the_endpoint_chooses_it_and_with_nothing_else():
    usual = endpoint("http://127.0.0.1:1/v1")
    assert {field.name for field in dataclasses.fields(Endpoint)} == {*CHOOSES_ANSWERS, *CHOOSES_NONE}

    def key(one: Endpoint) -> str:
        some = asking.Asking(one, None, checked_rating, None, None)
        return Prompt("rate it").key(one.url, one.model, some.settings())

    def changed(changes):
        return [key(dataclasses.replace(usual, **{name: value})) for name, value in changes.items()]

    assert len({key(usual), *changed(CHOOSES_ANSWERS)}) == len(CHOOSES_ANSWERS) + 1
    assert {*changed(CHOOSES_NONE)} == {key(usual)}
