"""Zero-shot classification tasks drawn by the miniature world."""

from __future__ import annotations

from typing import Any


def miniworld_classes() -> dict[str, list[tuple[dict[str, Any], str]]]:
    """Three label sets of the miniature world: what a scene is changed to, and the label.

    They differ as CIFAR-100 (coarse everyday categories), Food101 (fine differences within one
    domain) and ImageNet (many categories of all sorts) do: the 15 settings; 62 foods beside the
    main thing; and the main thing, one name for each of its glyphs.
    """
    from altlib.miniworld.lexicon import lexicon, things, topics

    kinds: dict[str, str] = {}
    for topic in topics().values():
        for glyph, kind in topic.kinds.items():
            kinds.setdefault(glyph, kind)
    return {
        "Settings": [({"setting": setting}, setting) for setting in lexicon()["settings"]],
        "Food": [({"beside": thing}, thing.names[0]) for thing in things() if thing.group == "food"],
        "Main things": [({"glyph": glyph, "kind": kind}, kind) for glyph, kind in kinds.items()],
    }
