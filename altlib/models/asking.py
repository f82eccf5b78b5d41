"""Questions to an endpoint, many in flight: attempts, checks, waiting, and what each request cost.

Every answer is checked; what is wrong with it is told to the model in the next attempt. Answers are
kept by the content of the question (:mod:`altlib.models.replies`), so nothing is asked twice, and a
killed run goes on.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from altlib.core.errors import EndpointError, PictureError
from altlib.core.progress import progress_bar
from altlib.core.provenance import COMPUTED, READ_BACK, note
from altlib.data.collect.fetching import RETRIED, retry_after
from altlib.models.endpoint import UNUSABLE, Endpoint
from altlib.models.prompts import Prompt, messages
from altlib.models.replies import Replies, Usage


@dataclass
class Reply:
    """What came of a question.

    Attributes:
        value: The checked answer; None if there is none.
        failure: Why there is none; empty if there is one.
        cached: Whether it was known before.
    """

    value: Any = None
    failure: str = ""
    cached: bool = False


class AttemptError(Exception):
    """An attempt failed.

    Attributes:
        reason: a short phrase to count by.
        passing: whether another attempt may succeed.
        wait: seconds that the server asks to wait.
        answer: what the model wrote, if that is what is wrong.
    """

    def __init__(self, reason: str, passing: bool = True, wait: float = 0.0, answer: str = ""):
        super().__init__(reason)
        self.reason, self.passing, self.wait, self.answer = reason, passing, wait, answer


Check = Callable[[str], Any]  # the value of an answer's text; raises ValueError with what is wrong with it


@dataclass
class Asking:
    """What the questions of one call share.

    Attributes:
        endpoint: Who is asked.
        replies: What was answered before.
        check: Of answers.
        client: Of the openai package.
        places: For requests in flight.
        next_start: Monotonic time at which the next request may begin.
        not_before: Monotonic time before which the server wants no request.
    """

    endpoint: Endpoint
    replies: Replies
    check: Check
    client: Any
    places: asyncio.Semaphore
    next_start: float = 0.0
    not_before: float = 0.0
    running: dict[str, asyncio.Task[Reply]] = field(default_factory=dict)

    async def ask(self, prompt: Prompt) -> Reply:
        """The reply to a question; a question that is in flight is not asked again."""
        try:
            key = prompt.key(self.endpoint.url, self.endpoint.model, self.settings())
        except PictureError as error:
            return Reply(failure=error.reason)
        if key not in self.running:
            self.running[key] = asyncio.ensure_future(self.answer(key, prompt))
        return await self.running[key]

    def settings(self) -> list[Any]:
        """What of the endpoint's settings changes answers."""
        e = self.endpoint
        return [e.max_tokens, e.temperature, e.structured, e.picture_size]

    async def answer(self, key: str, prompt: Prompt) -> Reply:
        """The kept reply to a question, or one that is asked for."""
        if (known := self.replies.get(key)) is not None:
            try:
                reply = Reply(self.check(known), cached=True)
                note(READ_BACK, f"answers of {self.endpoint.model}", key)
                return reply
            except ValueError:
                pass  # it was kept under a laxer check
        wrong: list[tuple[str, str]] = []  # answers so far and what is wrong with them
        try:
            content = await asyncio.to_thread(messages, prompt, self.endpoint.picture_size)
        except PictureError as error:
            return Reply(failure=error.reason)
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, AttemptError) and error.passing),
            wait=self.wait_before_retry,
            stop=lambda state: (
                stop_after_attempt(self.endpoint.attempts)(state) or state.upcoming_sleep > self.endpoint.longest_wait
            ),
            reraise=True,
        )
        try:
            found: tuple[str, Any] = await retrying(self.attempt, key, prompt, content, wrong)
        except AttemptError as error:
            return Reply(failure=error.reason)
        self.replies.put(key, found[0])
        note(COMPUTED, f"answers of {self.endpoint.model}", key)
        return Reply(found[1])

    def wait_before_retry(self, state: RetryCallState) -> float:
        """Seconds before the next attempt: as many as the server asks for, else growing ones; none after a wrong answer."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, AttemptError) and error.answer:
            return 0.0
        first = self.endpoint.first_wait
        growing = wait_exponential_jitter(first, jitter=first / 2)(state)
        return (error.wait if isinstance(error, AttemptError) else 0.0) or growing

    async def attempt(
        self, key: str, prompt: Prompt, content: list[dict[str, Any]], wrong: list[tuple[str, str]]
    ) -> tuple[str, Any]:
        """One request: the answer's text and its value."""
        said = [*content]
        for answer, problem in wrong:
            said += [
                {"role": "assistant", "content": answer},
                {
                    "role": "user",
                    "content": f"That answer cannot be used: {problem}. Answer again, in the form asked for.",
                },
            ]
        async with self.places:
            await self.pace()
            text, whole = await self.request(key, prompt, said)
        try:
            if not whole:
                raise ValueError(f"it is longer than {self.endpoint.max_tokens} tokens")
            return text, self.check(text)
        except ValueError as error:
            wrong[:] = [(text[:2000], str(error))]
            raise AttemptError(f"the answer cannot be used: {error}", answer=text or " ") from error

    async def pace(self) -> None:
        """Wait until the next request may begin."""
        while True:
            now = time.monotonic()
            start = max(self.not_before, self.next_start)
            if start <= now:
                self.next_start = now + (60.0 / self.endpoint.per_minute if self.endpoint.per_minute else 0.0)
                return
            await asyncio.sleep(start - now)

    async def request(self, key: str, prompt: Prompt, said: list[dict[str, Any]]) -> tuple[str, bool]:
        """Send a request and note what it cost; returns the answer's text without the key, and whether it is whole.

        Raises:
            AttemptError: There is no whole answer.
            EndpointError: No request can succeed.
        """
        import openai

        endpoint = self.endpoint
        form = {"response_format": prompt.response_format} if endpoint.structured and prompt.response_format else {}
        try:
            async with asyncio.timeout(endpoint.seconds):
                found = await self.client.chat.completions.create(
                    model=endpoint.model,
                    messages=said,
                    max_tokens=endpoint.max_tokens,
                    temperature=endpoint.temperature,
                    **form,
                )
        except (TimeoutError, openai.APITimeoutError) as error:
            self.replies.note(key, Usage(), "no answer in time")
            raise AttemptError(f"no answer within {endpoint.seconds:g} s") from error
        except openai.APIStatusError as error:
            self.replies.note(key, Usage(known=True), f"status {error.status_code}")
            raise self.status_error(error) from None
        except (openai.OpenAIError, ValueError) as error:
            self.replies.note(key, Usage(), "the answer broke off")
            raise AttemptError("the answer broke off or is not JSON") from error
        choices = getattr(found, "choices", None)
        usage = Usage.of(getattr(found, "usage", None), endpoint.dollars_in, endpoint.dollars_out)
        if not choices:
            self.replies.note(key, usage, "no choices")
            raise AttemptError("the answer is not a chat completion")
        self.replies.note(key, usage, str(choices[0].finish_reason))
        text = str(getattr(choices[0].message, "content", None) or "")
        return scrubbed(text, os.environ.get(endpoint.key_variable, "")), choices[0].finish_reason != "length"

    def status_error(self, error: Any) -> Exception:
        """What an HTTP status other than 200 means."""
        status = error.status_code
        said = scrubbed(str(error.message), os.environ.get(self.endpoint.key_variable, ""))[:200]
        if status in UNUSABLE:
            return EndpointError(
                f"{self.endpoint.url}, model {self.endpoint.model}: {UNUSABLE[status]} ({status}: {said})"
            )
        if status not in RETRIED:
            return AttemptError(f"the server answers {status}: {said}", passing=False)
        wait = retry_after(error.response.headers.get("retry-after", "")) or 0.0
        if status == 429:
            pause = min(wait or self.endpoint.first_wait, self.endpoint.longest_wait)
            self.not_before = max(self.not_before, time.monotonic() + pause)
        return AttemptError(f"the server answers {status}", wait=wait)


def scrubbed(text: str, key: str) -> str:
    """A text without the key."""
    return text.replace(key, "[key]") if key else text


def ask_all(
    endpoint: Endpoint, prompts: Sequence[Prompt], check: Check, cache: Path, label: str = "asking"
) -> list[Reply]:
    """Ask a model all questions, many at a time.

    Args:
        endpoint: Who is asked.
        prompts: The questions; equal ones are asked once.
        check: Gives the value of an answer's text; raises ValueError with what is wrong with it.
        cache: SQLite file in which answers and costs are kept.
        label: Of the progress bar.

    Returns:
        The reply to each question, in their order; every one has a value or a failure.

    Raises:
        EndpointError: There is no key, or no request can succeed; what was answered is kept.
    """
    return finish(ask_all_async(endpoint, prompts, check, cache, label))


async def ask_all_async(
    endpoint: Endpoint, prompts: Sequence[Prompt], check: Check, cache: Path, label: str
) -> list[Reply]:
    """:func:`ask_all` for a running event loop."""
    import openai

    client = openai.AsyncOpenAI(
        base_url=endpoint.url,
        api_key=endpoint.key or "none",
        max_retries=0,  # attempts are counted here, the wrong answers among them
        timeout=endpoint.seconds,
    )
    with Replies(cache) as replies, progress_bar(total=len(prompts), desc=label, unit=" questions") as bar:
        async with client:
            asking = Asking(endpoint, replies, check, client, asyncio.Semaphore(endpoint.at_once))

            async def one(prompt: Prompt) -> Reply:
                reply = await asking.ask(prompt)
                bar.update()
                return reply

            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(one(prompt)) for prompt in prompts]
            except* EndpointError as errors:
                raise errors.exceptions[0] from None
            finally:
                for task in asking.running.values():
                    task.cancel()
    return [task.result() for task in tasks]


def finish(work: Coroutine[Any, Any, list[Reply]]) -> list[Reply]:
    """Run a coroutine to its end, also where an event loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
