"""What the miniature models know and do not know, for whoever shows them real pictures."""

from __future__ import annotations

from altlib.checkpoints.miniature import MINIATURE

NOTICE = (
    "these are the miniature models, which know nothing but the drawn pictures of the miniature world. What they say "
    "about a photo is meaningless; use the models of another run (params/paper.yaml), or an endpoint"
)


def miniature_notice(*models: str) -> str:
    """A sentence that says so if one of the models is a miniature one; empty otherwise.

    Args:
        models: Names of models.
    """
    return NOTICE if MINIATURE in models else ""
