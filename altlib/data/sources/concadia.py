"""Concadia (Kreiss et al. 2022): Wikipedia images with a description, a caption and context.

Reads the corpus' own ``wiki_split.json`` beside a folder of images (``resized/`` or
``images/``). The description takes the place of the alt text; the caption, followed by the
article's context where there is one, takes the place of the post.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError
from altlib.core.files import read_json
from altlib.data.sources.registry import Request


def records(request: Request) -> Iterator[dict[str, Any]]:
    """The records of ``wiki_split.json`` at the path, or in that folder.

    Fields other than the file name, the description and the caption may be missing.

    Raises:
        CorpusError: The file or the folder of images is not there, or is of another format.
    """
    where = request.where
    file = where / "wiki_split.json" if where.is_dir() else where
    if not file.is_file():
        raise CorpusError(f"{where} holds no wiki_split.json")
    content = read_json(file)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise CorpusError(f"{file} is not Concadia's format: expected an object with a list 'images'")
    folder = next((file.parent / n for n in ("resized", "images") if (file.parent / n).is_dir()), None)
    if folder is None:
        raise CorpusError(f"there is no folder 'resized' or 'images' beside {file}")
    for number, image in enumerate(content["images"][: request.posts or None]):
        try:
            record = record_of(image, folder)
        except (KeyError, TypeError) as error:
            request.unreadable.append({"item_id": f"entry {number} of {file.name}", "reason": f"record lacks {error}"})
        else:
            yield record


def record_of(image: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One entry of ``wiki_split.json`` as a record; its picture lies in ``folder``.

    Raises:
        KeyError, TypeError: The entry lacks a field or is of another form.
    """
    name = Path(image["filename"]).name
    caption = image["caption"]["raw"] or ""  # null where the article has none
    return {
        "item_id": f"concadia-{Path(name).stem}",
        "post_id": f"concadia-{image.get('article_id', Path(name).stem)}-{Path(name).stem}",
        "text": f"{caption}\n{raw_text(image, 'context')}".strip(),
        "caption": caption,
        "alt_text": image["description"]["raw"] or "",
        "image": str((folder / name).resolve()),
        "language": "en",
        "split": image.get("split", ""),
    }


def raw_text(image: dict[str, Any], field: str) -> str:
    """``image[field]["raw"]`` if it is there, else an empty string."""
    value = image.get(field)
    return value.get("raw") or "" if isinstance(value, dict) else ""
