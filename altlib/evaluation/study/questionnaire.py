"""What people are asked: questions on pictures with one or two texts, for every front end alike."""

from __future__ import annotations

from dataclasses import dataclass

from altlib.core.cache_keys import Key

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins with one of these

# What the accessibility guides of social networks ask of alt text.
CRITERIA = (
    "It describes what the picture shows, so that someone who cannot see the picture can follow the post.",
    "It names what matters in this post, and leaves out what does not.",
    "It gives the text that stands in the picture, if there is any.",
    "It states only what can be seen, without guesses.",
    "It is short and clear: one or two sentences are mostly enough.",
    "It does not begin with “image of” or “photo of”, and does not repeat the post.",
)


@dataclass(frozen=True)
class Question:
    """A question with its answers.

    Attributes:
        key: Its name in files.
        text: As it is asked.
        choices: Value in files -> label, in the order shown.
    """

    key: str
    text: str
    choices: dict[str, str]


@dataclass(frozen=True)
class StudyItem:
    """A picture with its post and the texts that are asked about.

    Attributes:
        item_id: Its name in files; it tells nothing about where the texts come from.
        image: The picture's file.
        post: What was posted with it.
        texts: The texts, in the order shown.
    """

    item_id: str
    image: str
    post: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """Questions on items, in the order shown.

    Attributes:
        name: Part of file names.
        title: Heading of the page.
        introduction: What a rater is told first.
        criteria: What good alt text is.
        labels: What the texts of an item are called.
        questions: What is asked about each item.
        items: The items.
    """

    name: str
    title: str
    introduction: str
    criteria: tuple[str, ...]
    labels: tuple[str, ...]
    questions: tuple[Question, ...]
    items: tuple[StudyItem, ...]

    @property
    def study_id(self) -> str:
        """Sixteen hex digits that identify the questions and the items."""
        return str(Key("study", name=self.name, questions=self.questions, items=self.items))[:16]


def spreadsheet_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(FORMULA) else text


def unprefixed(cell: str) -> str:
    """A cell without the apostrophe that :func:`spreadsheet_safe` puts before it."""
    return cell[1:] if cell.startswith("'") and spreadsheet_safe(cell[1:]) == cell else cell
