"""What is kept of collected posts, and why the rest is not (Twitter paper, appendix B.1).

:func:`clean` applies the steps in order to posts that stream by. Each step counts what it took
out or changed, and every exclusion is listed with its reason, so that it can be reviewed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .availability import SPACY, missing_spacy
from .code import code_fingerprint
from .duplicates import PIXELS, thumbnail
from .files import read_json, whole_file, write_json
from .images import PictureError, centre_crop, open_picture
from .parts import Parts, digest, folded, in_chunks
from .progress import progress_bar

CODE = code_fingerprint("cleaning")  # of what was loaded
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


class CleaningLog:
    """What every step takes out or changes: counts in ``steps``, the posts themselves in files of ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collected = 0
        self.posts: set[int] = set()  # hashes of the ids of all posts that came in
        self.steps: dict[str, dict] = {}
        self.files: list[Path] = []
        self.examples: dict[str, dict] = {}

    def count(self, name: str, meaning: str, action: str, pictures: int) -> None:
        """Add to the count of a step; steps keep the order in which they first come."""
        step = self.steps.setdefault(name, {"step": name, "meaning": meaning, "action": action, "pictures": 0})
        step["pictures"] += pictures

    def add(self, file: Path) -> None:
        """Add a file of excluded posts."""
        self.files.append(file)
        excluded = pd.read_parquet(file)
        for row in excluded.drop_duplicates("reason").to_dict("records"):
            self.examples.setdefault(row["reason"], row)

    def leave_out(self, frames: Iterable[pd.DataFrame], name: str, meaning: str) -> None:
        """Note posts that a step takes out of the whole corpus."""
        self.count(name, meaning, "left out", 0)
        for number, frame in enumerate(frames):
            self.count(name, meaning, "left out", len(frame))
            file = self.folder / f"{name.replace(' ', '-')}-{number}.excluded.parquet"
            with whole_file(file) as part:
                listed(frame, name).to_parquet(part, index=False)
            self.add(file)

    def table(self) -> pd.DataFrame:
        """Every step in order with how many pictures it touched and how many remained after it."""
        remaining, rows = self.collected, []
        for step in self.steps.values():
            remaining -= step["pictures"] if step["action"] == "left out" else 0
            rows.append({**step, "remaining": remaining})
        return pd.DataFrame(rows)

    def excluded(self) -> Iterator[pd.DataFrame]:
        """All posts that were left out, with the reason, a frame a file."""
        yield from map(pd.read_parquet, self.files)

    def write_excluded(self, file: Path, unreadable: list[dict]) -> None:
        """Write all exclusions to one Parquet file, and the records that could not be read at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(column, pa.string()) for column in LISTED])
        with whole_file(file) as part, pq.ParquetWriter(part, schema) as writer:
            for frame in [*self.excluded(), pd.DataFrame(unreadable, columns=LISTED)]:
                writer.write_table(pa.Table.from_pandas(frame[LISTED], schema=schema, preserve_index=False))


LISTED = ["item_id", "post_id", "text", "alt_text", "image", "reason"]


def listed(posts: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Excluded posts as they are listed."""
    return posts.assign(reason=reason)[LISTED]


def check_picture(path: str) -> tuple[str, np.ndarray | None]:
    """Why a picture cannot be used, or an empty string and its thumbnail."""
    try:
        return "", thumbnail(centre_crop(open_picture(path, longest=4096)))
    except PictureError as error:
        return error.reason, None


@dataclass
class Sieved:
    """What the filters made of some thousand posts: those kept with their thumbnails, those left out, the steps."""

    posts: pd.DataFrame
    pixels: np.ndarray
    excluded: pd.DataFrame
    steps: list[tuple[str, str, str, int]]


def sieve(
    posts: pd.DataFrame,
    seen_before: np.ndarray,
    minimum_tokens: int = 4,
    check_pictures: bool = True,
    further: bool = False,
    workers: int = 4,
) -> Sieved:
    """Apply the steps that look at one picture at a time; ``seen_before`` marks rows whose id came before, (n,) bool."""
    excluded: list[pd.DataFrame] = []
    steps: list[tuple[str, str, str, int]] = []

    def leave_out(posts: pd.DataFrame, hit: Any, name: str, meaning: str) -> pd.DataFrame:
        hit = np.asarray(hit, dtype=bool)
        excluded.append(listed(posts[hit], name))
        steps.append((name, meaning, "left out", int(hit.sum())))
        return posts[~hit]

    posts = leave_out(posts, seen_before, "id seen before", "another row has the same id")
    stripped = posts["alt_text"].map(strip_leading_phrase)
    changed = int((stripped != posts["alt_text"]).sum())
    steps.append(("leading phrase", '"Image of" and the like stripped', "rewritten", changed))
    posts = posts.assign(alt_text=stripped)
    for step in filters(minimum_tokens) + (further_filters() if further else []):
        posts = leave_out(posts, step.hits(posts), step.name, step.meaning)
    pixels = np.zeros((len(posts), PIXELS), dtype=np.uint32)
    if check_pictures:
        with ThreadPoolExecutor(workers) as pool:
            checked = list(pool.map(check_picture, posts["image"]))
        reasons = pd.Series([reason for reason, _ in checked], index=posts.index, dtype=object)
        pixels = np.array([row for _, row in checked if row is not None], dtype=np.uint32).reshape(-1, PIXELS)
        for why in sorted(set(reasons) - {""}):
            posts = leave_out(posts, reasons[posts.index] == why, why, "the picture cannot be used")
    return Sieved(posts.reset_index(drop=True), pixels, pd.concat(excluded, ignore_index=True), steps)


def chunk_key(posts: pd.DataFrame, *settings: object) -> str:
    """What the sieving of a chunk follows from: the code, its posts, its pictures' sizes and times, the settings."""
    found = hashlib.blake2b(repr((CODE, *settings)).encode(), digest_size=12)
    found.update(pd.util.hash_pandas_object(posts, index=False).to_numpy().tobytes())
    for path in posts["image"]:
        try:
            stat = Path(path).stat()
            found.update(f"{stat.st_size} {stat.st_mtime_ns}\n".encode())
        except OSError:
            found.update(b"-\n")
    return found.hexdigest()


def clean(
    frames: Iterable[pd.DataFrame],
    folder: Path,
    minimum_tokens: int = 4,
    check_pictures: bool = True,
    further: bool = False,
) -> tuple[Parts, CleaningLog]:
    """Every step of appendix B.1 up to the identical alt texts; near-duplicates and names follow.

    Leading phrases are stripped first, so that what they leave is judged. Of rows with the
    same id the first is kept; of pictures with identical alt text the oldest (B.2). ``further``
    adds :func:`further_filters`. Posts stream by: what is kept and what is left out goes to
    ``folder`` in files, from which a killed pass goes on. Raises ``DiskFullError`` if it does
    not fit there.
    """
    log, parts = CleaningLog(folder), Parts()
    seen: set[int] = set()
    with progress_bar(desc="posts cleaned", unit=" pictures") as bar:
        for posts in in_chunks(frames):
            repeated = np.zeros(len(posts), dtype=bool)
            for row, item in enumerate(posts["item_id"]):
                key = digest(item)
                repeated[row] = key in seen
                seen.add(key)
            log.collected += len(posts)
            log.posts.update(map(digest, posts["post_id"].unique()))
            stem = folder / chunk_key(posts, repeated.tobytes(), minimum_tokens, check_pictures, further)
            kept, left_out, done = (
                stem.with_suffix(".parquet"),
                Path(f"{stem}.excluded.parquet"),
                stem.with_suffix(".json"),
            )
            if not done.is_file():
                sieved = sieve(posts, repeated, minimum_tokens, check_pictures, further)
                with whole_file(kept) as file:
                    sieved.posts.to_parquet(file, index=False)
                with whole_file(left_out) as file:
                    sieved.excluded.to_parquet(file, index=False)
                with whole_file(stem.with_suffix(".npy")) as file, file.open("wb") as opened:
                    np.save(opened, sieved.pixels, allow_pickle=False)
                write_json(done, sieved.steps)  # the last, so that it is there only if all are
            for name, meaning, action, pictures in read_json(done):
                log.count(name, meaning, action, pictures)
            log.add(left_out)
            parts.add(kept, pd.read_parquet(kept))
            bar.update(len(posts))
    parts.sort()
    same = parts.index["alt_text"].duplicated(keep="first").to_numpy()
    log.leave_out(parts.drop(same), "identical alt text", "an older picture has the same alt text")
    return parts, log


# ---- person names ----

Span = tuple[int, int]
Recogniser = Callable[[list[str]], list[list[Span]]]  # spans of person names in each of several texts

PERSON_LABELS = ("PER", "PERSON")  # what models call the entity

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

    Raises :class:`altlib.availability.BackboneError` if it can be neither found nor fetched.
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

    def recognise(texts: list[str]) -> list[list[Span]]:
        found = tagger(texts, batch_size=32)
        return [
            [(e["start"], e["end"]) for e in entities if e["entity_group"].upper() in PERSON_LABELS]
            for entities in found
        ]

    return recognise


def spacy_recogniser(model: str) -> Recogniser:
    """A recogniser from a spaCy pipeline with named entities, by the name of its package or its folder.

    Raises :class:`altlib.availability.BackboneError` if spaCy or the pipeline is not installed.
    """
    from .availability import BackboneError

    if lacking := missing_spacy(model, "name_recogniser"):
        raise BackboneError(lacking)
    import spacy

    try:
        pipeline = spacy.load(Path(model).expanduser() if Path(model).expanduser().exists() else model)
    except (OSError, ValueError) as error:  # spaCy's errors for a folder that holds no pipeline
        raise BackboneError(f"{model} is not a spaCy pipeline that can be read: {error}"[:500]) from error
    return lambda texts: [
        [(e.start_char, e.end_char) for e in document.ents if e.label_.upper() in PERSON_LABELS]
        for document in pipeline.pipe(texts)
    ]


def name_recogniser(name: str, device: str = "cpu") -> Recogniser:
    """``gazetteer``, ``spacy:<package or folder>``, or a transformers model by name or folder."""
    if name == "gazetteer":
        return lambda texts: [gazetteer(text) for text in texts]
    if name.startswith(SPACY):
        return spacy_recogniser(name.removeprefix(SPACY))
    return transformers_recogniser(name, device)


def replace_names(texts: list[str], recogniser: Recogniser) -> list[str]:
    """The texts with each name replaced by "person" (section 4)."""
    return [replace_spans(text, spans) for text, spans in zip(texts, recogniser(texts), strict=True)]


def replace_spans(text: str, spans: list[Span]) -> str:
    """The text with "person" in the place of each span."""
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + "person" + text[end:]
    return text
