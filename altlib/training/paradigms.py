"""MCM-DPO's four paradigms: whether the vision encoder learns in supervised fine-tuning, and in preference optimisation.

The language model and what stands between it and the vision encoder (the mapping network, the
projector) learn in both stages. Where the vision encoder learns, the features of a picture change
with every step, so they cannot be computed once and kept: the encoder runs on pixels again and again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paradigm:
    """Which stages the vision encoder learns in.

    Attributes:
        name: As the paper calls it.
        in_sft: Whether it learns in supervised fine-tuning.
        in_preference: Whether it learns in preference optimisation.
    """

    name: str
    in_sft: bool
    in_preference: bool

    @property
    def in_words(self) -> str:
        """A sentence that says what is done with features in each stage."""

        def stage(learns: bool) -> str:
            return (
                "learns, so pictures are encoded again in every step" if learns else "is frozen, so features are kept"
            )

        return (
            f"{self.name}: in supervised fine-tuning the vision encoder {stage(self.in_sft)}; "
            f"in preference optimisation it {stage(self.in_preference)}."
        )


PARADIGMS = {
    name: Paradigm(name, in_sft, in_preference)
    for name, in_sft, in_preference in (
        ("P1", False, False),
        ("P2", False, True),
        ("P3", True, False),
        ("P4", True, True),
    )
}


def chosen_paradigms(names: str) -> list[Paradigm]:
    """The paradigms that are named between commas.

    Raises:
        ValueError: One is unknown, or none is named.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted or ["nothing"]:
        if name not in PARADIGMS:
            raise ValueError(f"paradigms: {name!r} is none of {', '.join(PARADIGMS)}")
    return [PARADIGMS[name] for name in dict.fromkeys(wanted)]
