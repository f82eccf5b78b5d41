"""Person names in alt text, found by lists or by a model, and replaced (Twitter paper, section 4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from altlib.core.model_names import SPACY

Span = tuple[int, int]  # first character, and the one after the last

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


def gazetteer(text: str) -> list[Span]:
    """Spans of person names in a text by lists of names: the offline default.

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


def missing_spacy(pipeline: str) -> str:
    """What is wrong with a spaCy pipeline, by package or folder, and what to do; empty if nothing is."""
    if find_spec("spacy") is None:
        return "names by spaCy need `pip install 'altlib[spacy]'`"
    if Path(pipeline).expanduser().exists() or (pipeline.isidentifier() and find_spec(pipeline) is not None):
        return ""
    return (
        f"the spaCy pipeline {pipeline} is not on this machine; `python -m spacy download {pipeline}` installs "
        "one of spaCy's, or give the folder of a pipeline"
    )


def transformers_recogniser(model: str, device: str = "cpu") -> Recogniser:
    """A recogniser from a transformers token-classification model, by hub name or folder.

    Raises:
        BackboneError: The model can be neither found nor fetched.
    """
    from transformers import pipeline

    from altlib.core.model_names import offline_hint

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

    Raises:
        BackboneError: spaCy or the pipeline is not installed, or the folder holds no pipeline.
    """
    from altlib.core.errors import BackboneError

    if lacking := missing_spacy(model):
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
