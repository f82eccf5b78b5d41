"""Check before a run that its models and data are there or can be fetched, so that it fails at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from altlib.core.model_names import SPACY, TRANSFORMERS
from altlib.data.cleaning.names import missing_spacy
from altlib.data.sources.registry import Needs, source_named
from altlib.models.endpoint import key_problem, url_problem, variable_problem
from altlib.runs.parameters import Chapter, Reference

# Files that hold a model's weights, of which a cached model has one.
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors", "pytorch_model.bin")
HUB = "hf-hub:"  # what open_clip's names of models of the hub begin with
ASK_HUB = 5.0  # seconds to wait for the hub's answer


def unmet_requirements(chapters: list[Chapter], values: dict[str, dict[str, Any]]) -> list[str]:
    """What the parameters of a run name and that is neither on this machine nor to be fetched.

    Args:
        chapters: all chapters of the book.
        values: chapter -> parameter -> value.

    Returns:
        One sentence for each: which parameter, what is wrong, and what to do.
    """
    found = []
    for chapter in chapters:
        given = values[chapter.name]
        for parameter in chapter.parameters.values():
            names = parameter.names
            if names is None or (names.kind != "posts" and names.names_nothing(given[parameter.name])):
                continue
            if problem := CHECKS[names.kind](given[parameter.name], names, given):
                found.append(f"{chapter.name}.{parameter.name}: {problem}")
    return found


def names_only_small_models(chapter: Chapter, values: dict[str, Any]) -> bool:
    """Whether a chapter's parameters name no model but those that ship with the package."""
    models = (p for p in chapter.parameters.values() if p.names and p.names.is_model)
    return all(p.names is not None and p.names.names_nothing(values[p.name]) for p in models)


def is_here(path: str) -> bool:
    """Whether there is such a file or folder."""
    return Path(path).expanduser().exists()


def path_problem(path: str, names: Reference, values: dict[str, Any]) -> str:
    """What is wrong with a path that must exist; empty if nothing is."""
    return "" if is_here(path) else f"{path} does not exist; it should be {names.detail}"


def posts_problem(path: str, names: Reference, values: dict[str, Any]) -> str:
    """What is wrong with the path of the source that a chapter takes posts from; empty if nothing is."""
    source = source_named(values[names.detail])
    if problem := source.path_problem(path):
        return problem
    if source.needs is not Needs.DATASET:
        return ""
    name = path.partition("@")[0].partition(":")[0]
    if is_here(name) or not (why := why_not_fetchable(name, "dataset")):
        return ""
    return (
        f"the dataset {name} is not on this machine and {why}. Fetch it elsewhere by `huggingface-cli download "
        f"--repo-type dataset {name}` and give the folder of its Parquet files with source=table"
    )


def model_problem(model: str, names: Reference, values: dict[str, Any]) -> str:
    """What is wrong with a model of the hub, a folder or a spaCy pipeline; empty if nothing is."""
    if model.startswith(SPACY):
        return missing_spacy(model.removeprefix(SPACY))
    return "" if is_here(model) else hub_problem(model)


def clip_problem(model: str, names: Reference, values: dict[str, Any]) -> str:
    """What is wrong with a CLIP model, named as :func:`altlib.models.clip.load_clip` takes it; empty if nothing is."""
    if is_here(model.removeprefix(TRANSFORMERS)):
        return ""
    for beginning in (TRANSFORMERS, HUB):
        if model.startswith(beginning):
            return hub_problem(model.removeprefix(beginning))
    tag = values[names.detail]
    if repository := openclip_repository(model, tag):
        return hub_problem(repository)
    return f"open_clip knows no weights {tag!r} of {model!r}"


def endpoint_problem(url: str, names: Reference, values: dict[str, Any]) -> str:
    """What is wrong with the address of an endpoint, or with the key that it needs; empty if nothing is."""
    variable = values[names.detail]
    return url_problem(url) or variable_problem(variable) or key_problem(url, variable)


def name_problem(variable: str, names: Reference, values: dict[str, Any]) -> str:
    """What is wrong with the name of an environment variable; empty if nothing is."""
    return variable_problem(variable)


CHECKS: dict[str, Callable[[str, Reference, dict[str, Any]], str]] = {
    "path": path_problem,
    "run": path_problem,
    "model file": path_problem,
    "posts": posts_problem,
    "model": model_problem,
    "clip model": clip_problem,
    "endpoint": endpoint_problem,
    "variable": name_problem,
}


def openclip_repository(model: str, tag: str) -> str:
    """The hub repository of an open_clip model's pretrained weights, or an empty string."""
    import open_clip

    return (open_clip.get_pretrained_cfg(model, tag) or {}).get("hf_hub", "").rstrip("/")


def hub_problem(repository: str) -> str:
    """What is wrong with a model of the hub, and what to do; empty if it is cached or can be fetched."""
    if is_cached(repository):
        return ""
    why = why_not_fetchable(repository)
    return why and (
        f"{repository} is not on this machine and {why}. On a machine with internet run `huggingface-cli download "
        f"{repository}` and copy ~/.cache/huggingface here, or give a folder that holds the model"
    )


def is_cached(repository: str) -> bool:
    """Whether the weights of a hub model are in the local cache."""
    from huggingface_hub import try_to_load_from_cache

    return any(isinstance(try_to_load_from_cache(repository, name), str) for name in WEIGHTS)


def why_not_fetchable(repository: str, kind: str = "model") -> str:
    """Empty if the hub answers for this model or dataset; else why it does not."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        HfApi().repo_info(repository, repo_type=kind, timeout=ASK_HUB)
    except OfflineModeIsEnabled:
        return "HF_HUB_OFFLINE is set"
    except HfHubHTTPError as error:
        return f"the hub answers {error.response.status_code if error.response is not None else 'nothing'}"
    except (OSError, ValueError) as error:
        return f"the hub cannot be reached ({type(error).__name__})"
    except Exception as error:  # the hub client raises its transport's own errors
        if type(error).__module__.split(".")[0] in ("httpx", "httpcore", "requests"):
            return f"the hub cannot be reached ({type(error).__name__})"
        raise
    return ""
