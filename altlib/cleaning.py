"""What is kept of collected posts, and why the rest is not (Twitter paper, appendix B.1).

:func:`clean` applies the steps in order. Each step counts what it took out or changed, and
every exclusion is listed with its reason, so that it can be reviewed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from .images import PictureError, open_picture
from .progress import progress_bar

LEADING_PHRASE = re.compile(
    r"^\s*(?:(?:this is|here is|here's|it's)\s+)?(?:an?\s+|the\s+)?(?:image|photo|photograph|picture|pic)"
    r"\s+(?:of|showing|depicting|shows)\s*[:\-]?\s+",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(
    r"^\W*(?:an?\s+|the\s+|my\s+)?(?:image|photo|photograph|picture|pic|img|alt(?:[- ]?text)?|description|screenshot|untitled|"
    r"image may contain(?::?\s+\w+)*|no (?:photo |image )?description(?: available)?|alt text (?:here|goes here)|"
    r"(?:img|dsc|dscn|pxl|screenshot)[-_ ]?\d[\w\- ]*|[\w\-]+\.(?:jpe?g|png|gif|webp|heic))\W*$",
    re.IGNORECASE,
)
URL = re.compile(r"https?://|\bwww\.|\b[\w-]+\.(?:com|org|net|co|io|ly|me|gov|edu)(?:/|\b)", re.IGNORECASE)
HANDLE = re.compile(r"(?<![\w.])@\w+")
HASHTAG = re.compile(r"(?<!\w)#\w+")
MAX_TEXT = 10_000  # characters; no platform takes alt text or posts of this length


def folded(text: str) -> str:
    """The text in lower case with single spaces, for comparing."""
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Filter:
    """A reason to leave a picture out: its name, what it means, and a mask of the rows it hits."""

    name: str
    meaning: str
    hits: Callable[[pd.DataFrame], pd.Series]


def matches(column: str, pattern: re.Pattern) -> Callable[[pd.DataFrame], pd.Series]:
    """Rows whose ``column`` contains ``pattern``."""
    return lambda posts: posts[column].map(lambda text: pattern.search(text) is not None).astype(bool)


def not_english(posts: pd.DataFrame) -> pd.Series:
    """Rows whose language the platform knows to be another than English."""
    return ~posts["language"].str.lower().str.split("-").str[0].isin(["en", ""])


def filters(minimum_tokens: int = 4) -> list[Filter]:
    """The exclusions, in the order of appendix B.1, with the blog's sensitive labels.

    ``minimum_tokens`` is the fewest space-separated tokens of an alt text that is kept.
    """
    return [
        Filter("repost", "somebody else's post passed on", lambda p: p["is_repost"]),
        Filter("not a still image", "a GIF or a video", lambda p: p["media_type"] != "photo"),
        Filter("not English", "the platform tells another language", not_english),
        Filter("sensitive label", "labelled as porn, nudity or graphic by its writer", lambda p: p["labels"] != ""),
        Filter(
            "text too long",
            f"alt text or post of more than {MAX_TEXT:,} characters",
            lambda p: (p["alt_text"].str.len() > MAX_TEXT) | (p["text"].str.len() > MAX_TEXT),
        ),
        Filter("no alt text", "the picture has none", lambda p: p["alt_text"].str.strip() == ""),
        Filter(
            "same as the post",
            "the alt text repeats the post",
            lambda p: p["alt_text"].map(folded) == p["text"].map(folded),
        ),
        Filter("placeholder", "says no more than that there is a picture", matches("alt_text", PLACEHOLDER)),
        Filter("URL", "the alt text holds a web address", matches("alt_text", URL)),
        Filter("user handle", "the alt text names an account", matches("alt_text", HANDLE)),
        Filter("hashtag", "the alt text holds a hashtag", matches("alt_text", HASHTAG)),
        Filter(
            "too short",
            f"fewer than {minimum_tokens} space-separated tokens",
            lambda p: p["alt_text"].str.split().str.len() < minimum_tokens,
        ),
    ]


WORDS_OR_DIGITS = re.compile(r"[^\W_]")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"\w+", text.casefold())


def repeats_post(alt_text: str, post: str) -> bool:
    """Whether an alt text is part of its post, word for word, or little more than the post."""
    words, told = words_of(alt_text), words_of(post)
    if not words or not told:
        return False
    joined, within = f" {' '.join(words)} ", f" {' '.join(told)} "
    return joined in within or (within in joined and len(words) <= 1.25 * len(told))


@cache
def language_identifier() -> Any:
    """The language identifier of py3langid, whose model is in the package."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def identified_language(text: str, certainty: float = 0.9) -> str:
    """The language that a text is in, if that is certain enough, or an empty string (ISO 639-1)."""
    language, probability = language_identifier().classify(text)
    return language if probability >= certainty else ""


def further_filters() -> list[Filter]:
    """Checks that go beyond the papers': they judge what alt text says, not only its form."""
    return [
        Filter(
            "no words",
            "the alt text holds emoji or signs only",
            lambda p: ~p["alt_text"].str.contains(WORDS_OR_DIGITS, regex=True),
        ),
        Filter(
            "repeats the post",
            "the alt text is part of the post, or little more than it",
            lambda p: pd.Series(
                [repeats_post(a, t) for a, t in zip(p["alt_text"], p["text"], strict=True)], index=p.index, dtype=bool
            ),
        ),
        Filter(
            "identified as another language",
            "the alt text is in another language than English, whatever the platform says",
            lambda p: p["alt_text"].map(lambda text: identified_language(text) not in ("en", "")).astype(bool),
        ),
    ]


def strip_leading_phrase(alt_text: str) -> str:
    """Alt text without "Image of" and the like, with its capital restored (appendix B.1)."""
    stripped = LEADING_PHRASE.sub("", alt_text)
    if stripped == alt_text:
        return alt_text
    return stripped[:1].upper() + stripped[1:] if alt_text[:1].isupper() else stripped


@dataclass
class Cleaning:
    """What cleaning gave: the kept posts, the exclusions with their reasons, a row a step."""

    posts: pd.DataFrame
    excluded: pd.DataFrame
    steps: pd.DataFrame


class CleaningLog:
    """Collects what every step takes out or changes."""

    def __init__(self) -> None:
        self.excluded: list[pd.DataFrame] = []
        self.steps: list[dict] = []

    def exclude(self, posts: pd.DataFrame, hit: pd.Series, name: str, meaning: str) -> pd.DataFrame:
        """Take the hit rows out under ``name``; returns the rest."""
        out = posts.loc[hit, ["item_id", "post_id", "text", "alt_text", "image"]].assign(reason=name)
        self.excluded.append(out)
        self.steps.append(
            {
                "step": name,
                "meaning": meaning,
                "action": "left out",
                "pictures": len(out),
                "remaining": len(posts) - len(out),
            }
        )
        return posts.loc[~hit]

    def change(self, posts: pd.DataFrame, changed: int, name: str, meaning: str) -> None:
        """Note that ``changed`` rows were rewritten."""
        self.steps.append(
            {"step": name, "meaning": meaning, "action": "rewritten", "pictures": changed, "remaining": len(posts)}
        )

    def result(self, posts: pd.DataFrame) -> Cleaning:
        """All that was kept, left out and counted."""
        columns = ["item_id", "post_id", "text", "alt_text", "image", "reason"]
        excluded = pd.concat(self.excluded, ignore_index=True) if self.excluded else pd.DataFrame(columns=columns)
        return Cleaning(posts.reset_index(drop=True), excluded, pd.DataFrame(self.steps))


def unreadable_pictures(paths: list[str], workers: int = 4) -> dict[str, str]:
    """Why each unreadable picture cannot be used, by path."""

    def reason(path: str) -> str:
        try:
            open_picture(path)
        except PictureError as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(workers) as pool:
        reasons = list(
            progress_bar(pool.map(reason, paths), total=len(paths), desc="pictures checked", unit=" pictures")
        )
    return {path: why for path, why in zip(paths, reasons, strict=True) if why}


def oldest_first(posts: pd.DataFrame) -> pd.DataFrame:
    """Posts by time; those without a time come last, ties in the order of their ids."""
    when = pd.to_datetime(posts["created_at"], errors="coerce", utc=True, format="ISO8601")
    return (
        posts.assign(_when=when)
        .sort_values(["_when", "item_id"], na_position="last", kind="stable")
        .drop(columns="_when")
    )


def clean(
    posts: pd.DataFrame, minimum_tokens: int = 4, check_pictures: bool = True, further: bool = False
) -> tuple[pd.DataFrame, CleaningLog]:
    """Every step of appendix B.1 up to the identical alt texts; near-duplicates and names follow.

    Leading phrases are stripped first, so that what they leave is judged. Of rows with the
    same id the first is kept; of pictures with identical alt text the oldest (B.2). ``further``
    adds :func:`further_filters`.
    """
    log = CleaningLog()
    posts = log.exclude(posts, posts["item_id"].duplicated(), "id seen before", "another row has the same id")
    stripped = posts["alt_text"].map(strip_leading_phrase)
    log.change(posts, int((stripped != posts["alt_text"]).sum()), "leading phrase", '"Image of" and the like stripped')
    posts = posts.assign(alt_text=stripped)
    for step in filters(minimum_tokens) + (further_filters() if further else []):
        posts = log.exclude(posts, step.hits(posts), step.name, step.meaning)
    if check_pictures:
        reasons = posts["image"].map(unreadable_pictures(posts["image"].tolist())).fillna("")
        for why in sorted(set(reasons) - {""}):
            hit = reasons == why
            posts, reasons = log.exclude(posts, hit, why, "the picture cannot be used"), reasons[~hit]
    posts = oldest_first(posts)
    same = posts["alt_text"].map(folded).duplicated(keep="first")
    return log.exclude(posts, same, "identical alt text", "an older picture has the same alt text"), log


# ---- person names ----

Span = tuple[int, int]
Recogniser = Callable[[str], list[Span]]

# Given names and surnames that are more often something else at the start of a phrase.
COMMON_WORDS = frozenset(
    """
    will art mark bill frank drew pat chase grace rose hope joy faith dawn may june april august summer autumn sunny
    sky star ruby amber jade pearl crystal violet daisy iris ivy lily heather holly olive ginger sage jasmine basil
    virginia georgia florence sydney paris london dakota carolina jordan china india asia israel lincoln washington
    austin houston dallas brooklyn chelsea madison charlotte victoria america france kenya ireland holland english
    christian king prince princess page lane park young long price bell gray brown white green black rich miles dean
    major sir lady miss sandy rusty rocky buddy angel precious love queen royal storm sunshine season robin martin
    see so an he my in so long tu le man see many season see every early love see worth hill no do
""".split()
)
# Second words that make a place or a thing of what looked like a name.
NOT_SURNAMES = frozenset(
    """
    street road park beach church hall bridge station house castle school university hospital museum college centre
    center river lake bay island hill wood woods field fields square tower market fair festival day city town county
    award cup league club poster sign flag card
""".split()
)
WORD = re.compile(r"[A-Z][a-zA-Z]*(?:['’-][A-Z][a-z]+)?\.?|\b[A-Z]\.")


@cache
def census_names() -> tuple[dict[str, int], frozenset[str]]:
    """Given names with their rank, and surnames, of the US census of 1990 (package ``names``)."""
    from importlib.resources import files

    given: dict[str, int] = {}
    for part in ("male", "female"):
        for rank, line in enumerate(files("names").joinpath(f"dist.{part}.first").read_text().splitlines()):
            name = line.split()[0].lower()
            given[name] = min(rank, given.get(name, rank))
    surnames = (line.split()[0].lower() for line in files("names").joinpath("dist.all.last").read_text().splitlines())
    return given, frozenset(surnames)


# Given names that the census of 1990 hardly knew.
MORE_GIVEN_NAMES = frozenset(
    """
    aisha amara anita bianca chloe deepa diego elena fatima fiona hassan ingrid ivan jonas kenji leila liam mei
    mohammed muhammad nadia nikhil olga pablo priya ravi sofia stefan tariq valentina yuki zoe ahmed ali amir anya
    arjun ayesha chen dmitri emre giulia hana hiroshi ibrahim jing kofi kwame lars luca mateo matteo mina noor omar
    oscar rania sanjay sven thandi uma vikram wei xin yusuf zainab
""".split()
)
MORE_SURNAMES = frozenset(
    """
    adeyemi bianchi gupta ibrahim kaur khan kowalski larsen mbeki nakamura novak okafor patel petrov rossi silva
    singh suzuki yilmaz fischer hansen nguyen tanaka kim park lee wang zhang li
""".split()
)


def gazetteer(text: str) -> list[Span]:
    """Spans of person names by lists of names: the offline default.

    Finds a given name followed by surnames or initials, and common given names alone. It knows
    Western and some other names only, and takes some places for people: a recogniser by
    transformers does better where it can be had.
    """
    given, surnames = census_names()
    spans: list[Span] = []
    words = list(WORD.finditer(text))
    i = 0
    while i < len(words):
        first = words[i].group().rstrip(".").lower()
        known = first in MORE_GIVEN_NAMES or (first in given and first not in COMMON_WORDS)
        j = i + 1
        surname = False
        while known and j < len(words) and j - i < 4 and text[words[j - 1].end() : words[j].start()] == " ":
            word = words[j].group()
            initial = len(word.rstrip(".")) == 1
            last = word.rstrip(".").lower()
            if not initial and (last in NOT_SURNAMES or not (last in surnames or last in MORE_SURNAMES)):
                break
            surname = surname or not initial
            j += 1
            if not initial:
                break
        follows = text[words[j - 1].end() :].lstrip(" ").split(" ", 1)[0]
        single_name = first in MORE_GIVEN_NAMES or given.get(first, 9999) < 300
        if known and (
            surname or (single_name and not (follows[:1].isupper() and follows.rstrip(".,").lower() in NOT_SURNAMES))
        ):
            end = words[j - 1].end() if surname else words[i].end()
            spans.append((words[i].start(), end - (text[end - 1] == "." and not text[end - 2].isupper())))
            i = j if surname else i + 1
        else:
            i += 1
    return spans


def transformers_recogniser(model: str, device: str = "cpu") -> Recogniser:
    """A recogniser from a transformers token-classification model, by hub name or folder.

    Raises :class:`altlib.backbones.BackboneError` if it can be neither found nor fetched.
    """
    from transformers import pipeline

    from .backbones import offline_hint

    try:
        tagger: Any = pipeline(
            "token-classification",
            model=model,
            aggregation_strategy="simple",
            device=device,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError) as error:
        raise offline_hint("name recognition", model, error) from error
    return lambda text: [(e["start"], e["end"]) for e in tagger(text) if e["entity_group"].upper() in ("PER", "PERSON")]


def name_recogniser(name: str, device: str = "cpu") -> Recogniser:
    """``gazetteer``, or a transformers model by name or path."""
    return gazetteer if name == "gazetteer" else transformers_recogniser(name, device)


def replace_names(text: str, recogniser: Recogniser) -> tuple[str, int]:
    """The text with each name replaced by "person", and how many there were (section 4)."""
    spans = recogniser(text)
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + "person" + text[end:]
    return text, len(spans)
