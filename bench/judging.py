"""How many answers a second an endpoint gives, asked one question at a time and with 32 in flight.

    python bench/judging.py

The server of this measurement takes a second for an answer. The goal is at least 20 times the rate of one at a time.

Measured: 0.99 and 27.4 answers a second, 27.7 times as many, on two cores that other work shared.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path

from altlib.evaluation.judges.interface import JudgedText
from altlib.evaluation.judges.language_model import LanguageModelJudge
from altlib.models.endpoint import Endpoint

LATENCY = 1.0  # seconds, as a large model takes for an answer of a hundred tokens
ANSWER = json.dumps({"accuracy": 4, "completeness": 3, "conciseness": 5, "accessibility": 4, "reasoning": "fine"})
COMPLETION = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "tiny",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 400, "completion_tokens": 60, "total_tokens": 460},
}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection: every request is answered after :data:`LATENCY`."""
    body = json.dumps(COMPLETION).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    try:
        while True:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            await reader.readexactly(int(request.split("content-length:")[1].split("\r\n")[0]))
            await asyncio.sleep(LATENCY)
            writer.write(head + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def rate(url: str, questions: int, at_once: int) -> float:
    """Answers a second."""
    with tempfile.TemporaryDirectory() as folder:
        judge = LanguageModelJudge("tiny", Endpoint(url, "tiny", at_once=at_once), Path(folder) / "replies.sqlite")
        began = time.perf_counter()
        found = judge.rate([JudgedText(f"text {i}", reference="gold") for i in range(questions)])
        seconds = time.perf_counter() - began
    assert not any(found.failures)
    return questions / seconds


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    await asyncio.to_thread(rate, url, 2, 2)  # loads the client's library
    alone = await asyncio.to_thread(rate, url, 8, 1)
    many = await asyncio.to_thread(rate, url, 512, 32)
    print(f"one at a time: {alone:.2f} answers/s; 32 in flight: {many:.1f} answers/s, {many / alone:.1f} times as many")
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
