"""RefCompare: how many reference texts a generated text outscores by CLIP (self-supervised captioning paper, section 3.1).

A text's score is the cosine of its CLIP embedding with the picture's. The paper defines the share of
*a picture's references* that score lower than the generated text, with 0.5 for texts as good as the
references. The scores beside its examples (0.02, 0.68, 0.99) cannot be shares of five references;
they look like shares of the references of *all* pictures, each scored with its own picture. Both are here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from altlib.core.estimates import Estimate
from altlib.core.statistics import resample_counts
from altlib.models.clip import Clip


def cosines(images: Tensor, texts: Tensor) -> np.ndarray:
    """Cosines of n pairs of unit vectors, (n, width), (n, width) -> (n,)."""
    return (images * texts).sum(-1).double().numpy()


def check_scores(generated: np.ndarray, references: Sequence[np.ndarray]) -> None:
    """Check that every picture has a reference and every text a finite score.

    Args:
        generated: Scores of the generated texts, (n,).
        references: Scores of each picture's references, n arrays of one or more.

    Raises:
        ValueError: A picture has no reference, or a score is not finite.
    """
    if any(not len(scores) for scores in references):
        raise ValueError("RefCompare needs at least one reference of every picture")
    if not all(np.isfinite(scores).all() for scores in (generated, *references)):
        raise ValueError("RefCompare needs finite scores, and some are infinite or not a number")


def share_of_own_references(generated: np.ndarray, references: Sequence[np.ndarray]) -> np.ndarray:
    """For each picture the share of its references that score below the generated text; a tie is not below.

    Args:
        generated: Scores of the generated texts, (n,).
        references: Scores of each picture's references, n arrays of one or more.

    Returns:
        (n,).

    Raises:
        ValueError: A picture has no reference, or a score is not finite.
    """
    check_scores(generated, references)
    return np.array([np.mean(scores < own) for own, scores in zip(generated, references, strict=True)])


def share_of_all_references(generated: np.ndarray, references: Sequence[np.ndarray]) -> np.ndarray:
    """For each picture the share of all pictures' references that score below its generated text; as above."""
    check_scores(generated, references)
    everything = np.sort(np.concatenate(list(references)))
    return np.searchsorted(everything, generated, side="left") / len(everything)


def refcompare(
    generated: np.ndarray, references: Sequence[np.ndarray], seed: int = 0, among_all: bool = False
) -> Estimate:
    r"""RefCompare with its bootstrap over pictures, from 0 to 1.

    .. math:: \frac{1}{n} \sum_i \frac{|\{ r \in R_i : s(r) < s(y_i) \}|}{|R_i|}

    Args:
        generated: Scores of the generated texts, (n,).
        references: Scores of each picture's references, n arrays of one or more.
        seed: Of the resamples.
        among_all: Compare with the references of all pictures, which are held fixed in the resamples.

    Raises:
        ValueError: There is no picture, one has no reference, or a score is not finite.
    """
    if not len(generated):
        raise ValueError("there is nothing to score")
    each = (share_of_all_references if among_all else share_of_own_references)(generated, references)
    counts = resample_counts(len(each), seed)
    return Estimate(float(each.mean()), counts @ each / len(each))


def refcompare_of_systems(
    systems: Mapping[str, Sequence[str] | np.ndarray],
    references: Sequence[Sequence[str]],
    images: Tensor,
    clip: Clip,
    seed: int = 0,
    among_all: bool = False,
) -> dict[str, Estimate]:
    """RefCompare of several systems on the same pictures; differences of two systems are paired.

    Args:
        systems: Name of each system -> its n texts, or the cosines of these with their pictures, (n,), if they are
            known.
        references: One or more reference texts of each picture.
        images: Unit-length features of the pictures, (n, width).
        clip: The model that scores.
        seed: Of the resamples.
        among_all: As for :func:`refcompare`.
    """
    rows = np.repeat(np.arange(len(references)), [len(texts) for texts in references])
    flat = cosines(images[rows], clip.encode_texts([text for texts in references for text in texts]))
    scores = [flat[rows == picture] for picture in range(len(references))]
    heard = {
        name: texts if isinstance(texts, np.ndarray) else cosines(images, clip.encode_texts(list(texts)))
        for name, texts in systems.items()
    }
    return {name: refcompare(own, scores, seed, among_all) for name, own in heard.items()}
