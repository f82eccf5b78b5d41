"""A server on loopback that speaks the protocol of chat completions, and misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.loopback import http_server

TOKENS_IN, TOKENS_OUT = 1000, 10
GOOD = {"accuracy": 4, "completeness": 3, "conciseness": 5, "accessibility": 4, "reasoning": "fine"}

# What the model may write instead of a good rating.
WRITTEN = {
    "prose": f"Sure! Here is my rating:\n```json\n{json.dumps(GOOD)}\n``` I hope {{this}} helps.",
    "out of range": json.dumps(GOOD | {"accuracy": 7}),
    "a fraction": json.dumps(GOOD | {"accuracy": 3.5}),
    "a text": json.dumps(GOOD | {"accuracy": "high"}),
    "lacks one": json.dumps({"accuracy": 4}),
    "another language": "Die Beschreibung ist gut: Genauigkeit vier, Vollständigkeit drei.",
    "empty": "",
    "half": json.dumps(GOOD)[:30],
}


class LanguageModelServer:
    """Answers each question by the next behaviour that is planned for it, then well.

    Args:
        plan: A word of the question -> behaviours: a key of :data:`WRITTEN`, a status, ``("wait", 429)``, or
            "cut", "slow", "no json", "no choices", "no usage", "costs", "long" or "echo".
        answer: What is written when nothing else is planned, by the question.
    """

    def __init__(self, plan: dict[str, list] | None = None, answer: Callable[[str], str] = lambda _: json.dumps(GOOD)):
        self.plan = {word: deque(behaviours) for word, behaviours in (plan or {}).items()}
        self.answer = answer
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict] = []
        self.keys: set[str] = set()
        self.in_flight = self.most_in_flight = 0
        self.delay = 0.0
        self.lock = threading.Lock()
        self.stop = threading.Event()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        question = body["messages"][-1]["content"]
        first = next(m["content"] for m in body["messages"] if m["role"] == "user")
        text = first if isinstance(first, str) else first[0]["text"]
        with self.lock:
            self.bodies.append(body)
            self.asked[text] += 1
            self.keys.add(handler.headers.get("Authorization", ""))
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            planned = next((q for word, q in self.plan.items() if word in text), None)
            behaviour = planned.popleft() if planned else "good"
        try:
            self.stop.wait(self.delay)
            self.behave(handler, behaviour, question if isinstance(question, str) else text, body)
        finally:
            with self.lock:
                self.in_flight -= 1

    def behave(self, handler: BaseHTTPRequestHandler, behaviour, question: str, body: dict) -> None:
        status, headers = 200, {}
        usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT}
        text, reason = WRITTEN.get(behaviour) if behaviour in WRITTEN else self.answer(question), "stop"
        if isinstance(behaviour, tuple):
            status, headers = behaviour[1], {"Retry-After": "1"}
        elif isinstance(behaviour, int):
            status = behaviour
        elif behaviour == "slow":
            self.stop.wait(5)
        elif behaviour == "costs":
            usage["cost"] = 0.25
        elif behaviour == "long":
            text, reason = text[:20], "length"
        elif behaviour == "echo":
            text = json.dumps(GOOD | {"reasoning": handler.headers["Authorization"]})
        message = {"role": "assistant", "content": text}
        found = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reason}] if behaviour != "no choices" else [],
            "usage": None if behaviour == "no usage" else usage,
        }
        if status != 200:
            found = {"error": {"message": f"refused with {handler.headers.get('Authorization')}"}}
        content = json.dumps(found).encode() if behaviour != "no json" else b"<html>welcome</html>"
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json" if behaviour != "no json" else "text/html")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2] if behaviour == "cut" else content)


@contextmanager
def language_model_server(server: LanguageModelServer) -> Iterator[str]:
    """Serve on loopback; yields the base address."""
    with http_server(server.handle) as address:
        yield f"{address}/v1"
        server.stop.set()
