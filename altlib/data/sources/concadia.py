"""Concadia (Kreiss et al. 2022): Wikipedia images with a description, a caption and context.

Reads the corpus' own ``wiki_split.json`` beside a folder of images (``resized/`` or
``images/``). The description takes the place of the alt text; the caption, followed by the
article's context where there is one, takes the place of the post.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from altlib.core.errors import CorpusError
from altlib.core.files import read_json


def collect(path: str, unreadable: list[dict], limit: int = 0) -> Iterator[dict]:
    """The posts of ``wiki_split.json`` at ``path`` (or in that folder), at most the first ``limit`` images (0: all).

    Fields other than the file name, the description and the caption may be missing. Records
    that could not be read are appended to ``unreadable``. Raises :class:`CorpusError` if the file or the
    folder of images is not there, or is of another format.
    """
    from altlib.data.sources.registry import require_path

    where = require_path(path, "Concadia's wiki_split.json or the folder that holds it")
    file = where / "wiki_split.json" if where.is_dir() else where
    if not file.is_file():
        raise CorpusError(f"{where} holds no wiki_split.json")
    content = read_json(file)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise CorpusError(f"{file} is not Concadia's format: expected an object with a list 'images'")
    folder = next((file.parent / n for n in ("resized", "images") if (file.parent / n).is_dir()), None)
    if folder is None:
        raise CorpusError(f"there is no folder 'resized' or 'images' beside {file}")
    for number, image in enumerate(content["images"][: limit or None]):
        try:
            name = Path(image["filename"]).name
            context = raw_text(image, "context")
            caption = image["caption"]["raw"]
            record = {
                "item_id": f"concadia-{Path(name).stem}",
                "post_id": f"concadia-{image.get('article_id', Path(name).stem)}-{Path(name).stem}",
                "text": f"{caption}\n{context}".strip(),
                "caption": caption,
                "alt_text": image["description"]["raw"],
                "image": str((folder / name).resolve()),
                "language": "en",
                "split": image.get("split", ""),
            }
        except (KeyError, TypeError) as error:
            unreadable.append({"item_id": f"entry {number} of {file.name}", "reason": f"record lacks {error}"})
        else:
            yield record


def raw_text(image: dict, field: str) -> str:
    """``image[field]["raw"]`` if it is there, else an empty string."""
    value = image.get(field)
    return value.get("raw") or "" if isinstance(value, dict) else ""
