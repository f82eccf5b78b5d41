"""Reading a network until there is enough: reconnections, their waits, their end."""

import asyncio

import pytest

from altlib.core.errors import CorpusError
from altlib.data.collect.stream import ConnectionBrokenError, keep_reading


def waits_between(outcomes: list, monkeypatch, first: float = 1.0, longest: float = 6.0) -> list[float]:
    """The waits between connections of which each ends as ``outcomes`` says: an error, or None if something came."""
    waits: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real_sleep(0)

    async def run() -> None:
        done = asyncio.Event()
        left = iter(outcomes)

        async def read() -> None:
            outcome = next(left, "done")
            if outcome == "done":
                done.set()
            elif outcome:
                raise outcome

        await keep_reading(read, done, first, longest)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(run())
    return waits


def test_the_waits_grow_while_nothing_comes_and_start_anew_when_something_does(monkeypatch) -> None:
    broken = ConnectionBrokenError("closed")
    waits = waits_between([broken, broken, broken, broken, None, broken], monkeypatch)
    for wait, low in zip(waits, [1, 2, 4, 6, 1, 1], strict=False):
        assert low <= wait <= low + 0.5


def test_the_server_says_how_long_to_wait(monkeypatch) -> None:
    assert waits_between([ConnectionBrokenError("busy", wait=17.0)], monkeypatch)[0] == 17.0


def test_other_errors_end_the_reading(monkeypatch) -> None:
    with pytest.raises(CorpusError, match="wants a token"):
        waits_between([CorpusError("wants a token")], monkeypatch)
