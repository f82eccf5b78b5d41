"""A study inside JupyterLab, with the same questions and the same files of answers as the page."""

from __future__ import annotations

import html
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from altlib.core.files import read_json
from altlib.evaluation.study.answers import write_answers
from altlib.evaluation.study.page import SHOWN_TEXT, SHOWN_WIDTH, shown_picture
from altlib.evaluation.study.questionnaire import Study


class StudyWidget:
    """Asks one rater; display :attr:`view`.

    Every answer is written to :attr:`file` at once, and a new widget of the same rater goes on where
    the file ends.

    Args:
        study: The study.
        rater: Who answers.
        folder: Where the file of answers lies.
    """

    def __init__(self, study: Study, rater: str, folder: Path):
        import ipywidgets as widgets

        if not rater.strip():
            raise ValueError("a rater needs a name or number")
        self.study, self.rater = study, rater.strip()
        self.file = folder / f"answers-{study.study_id}-{re.sub(r'[^A-Za-z0-9_-]', '_', self.rater)}.json"
        self.place = 0
        self.given: dict[str, dict[str, str]] = {}
        self.seconds: dict[str, float] = {}
        self.resume()
        self.progress, self.shown, self.message = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.radios = {
            q.key: widgets.RadioButtons(options=[(label, value) for value, label in q.choices.items()], value=None)
            for q in study.questions
        }
        self.back = widgets.Button(description="Back")
        self.next = widgets.Button(description="Next")
        self.back.on_click(lambda _: self.show(self.place - 1))
        self.next.on_click(lambda _: self.go_on())
        self.questions = [
            widgets.VBox([widgets.HTML(f"<b>{html.escape(q.text)}</b>"), self.radios[q.key]]) for q in study.questions
        ]
        self.buttons = widgets.HBox([self.back, self.next])
        self.view = widgets.VBox([self.progress, self.shown, *self.questions, self.message, self.buttons])
        for question, radio in self.radios.items():
            radio.observe(lambda change, q=question: self.answer(q, change["new"]), names="value")
        self.show(next((i for i, item in enumerate(study.items) if not self.complete(item.item_id)), len(study.items)))

    def resume(self) -> None:
        """Take up the answers of the file, if there is one."""
        if self.file.is_file():
            for item in read_json(self.file)["items"]:
                self.given[item["item_id"]] = dict(item["answers"])
                self.seconds[item["item_id"]] = item["seconds"]

    def complete(self, item_id: str) -> bool:
        """Whether every question on an item is answered."""
        return all(q.key in self.given.get(item_id, {}) for q in self.study.questions)

    def show(self, place: int) -> None:
        """Show an item; after the last one, that this is the end."""
        self.place = max(0, place)
        self.since = time.monotonic()
        items, at_end = self.study.items, self.place >= len(self.study.items)
        for box in self.questions:
            box.layout.display = "none" if at_end else ""
        self.next.disabled, self.back.disabled = at_end, self.place == 0
        self.message.value = ""
        if at_end:
            done = sum(self.complete(item.item_id) for item in items)
            self.progress.value = f"<h3>The end: {done} of {len(items)} pictures are answered.</h3>"
            self.shown.value = f"<p>The answers are in {html.escape(str(self.file))}.</p>"
            return
        item = items[self.place]
        self.progress.value = f"<h3>Picture {self.place + 1} of {len(items)}</h3>"
        self.shown.value = item_html(self.study, self.place)
        given = dict(self.given.get(item.item_id, {}))
        for question, radio in self.radios.items():
            radio.value = given.get(question)

    def answer(self, question: str, value: Any) -> None:
        """Keep an answer to the shown item."""
        item_id = self.study.items[self.place].item_id
        if value is None or self.given.get(item_id, {}).get(question) == value:
            return
        self.given.setdefault(item_id, {})[question] = value
        now = time.monotonic()
        self.seconds[item_id] = self.seconds.get(item_id, 0.0) + now - self.since
        self.since = now
        saved = datetime.now(UTC).isoformat()
        write_answers(self.file, self.study, self.rater, saved, self.given, self.seconds)

    def go_on(self) -> None:
        """Show the next item if this one is answered."""
        if self.complete(self.study.items[self.place].item_id):
            self.show(self.place + 1)
        else:
            self.message.value = "<p role='alert'><b>Please answer every question.</b></p>"


def item_html(study: Study, place: int) -> str:
    """An item with its picture, post and texts, escaped."""
    item = study.items[place]
    picture, problem = shown_picture(item.image)
    shown = (
        f'<img src="{picture}" alt="The picture to judge" width="{SHOWN_WIDTH}">'
        if picture
        else f"<p>Picture not shown: {html.escape(problem)}.</p>"
    )
    texts = {"Post": item.post or "(no text)", **dict(zip(study.labels, item.texts, strict=True))}
    parts = (
        f"<dt><b>{html.escape(label)}</b></dt><dd style='overflow-wrap:anywhere'>{html.escape(text[:SHOWN_TEXT])}</dd>"
        for label, text in texts.items()
    )
    return f"{shown}<dl>{''.join(parts)}</dl>"
