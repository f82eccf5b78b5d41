"""Check before a run that its models and data are there or can be fetched, so that it fails at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from altlib.checkpoints.miniature import MINIATURE
from altlib.core.model_names import SPACY, TRANSFORMERS
from altlib.data.cleaning.names import missing_spacy

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors", "pytorch_model.bin")


PATHS = {
    "concadia_path": "Concadia's wiki_split.json or its folder",
    "transfer_path": "a folder with torchvision's CIFAR100, Food101 or ImageNet",
    "ratings_path": "the folder of the published ratings",
    "ratings_images": "the folder with cosid_descriptions.json and cosid_images",
    "ratings_scores": "a CSV file of scores",
    "norms_path": "a CSV file of words and ratings",
    "description_run": "the folder of a run whose chapter 06 is done",
}


# Parameters that name a model, and what they may be without naming a large one.
MODELS = ("clip_model", "language_model", "name_recogniser", "vision_language_model", "clipcap")


SMALL = ("", MINIATURE, "gazetteer", "train")


def small(values: dict[str, Any]) -> bool:
    """Whether a chapter's parameters name no model but the miniature ones."""
    return all(values.get(name, "") in SMALL for name in MODELS)


def cached(repository: str) -> bool:
    """Whether a hub model's configuration and weights are in the local cache."""
    from huggingface_hub import try_to_load_from_cache

    return any(isinstance(try_to_load_from_cache(repository, name), str) for name in WEIGHTS)


def fetchable(repository: str, kind: str = "model") -> str:
    """Empty if the hub answers for this model or dataset; else why not."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        HfApi().repo_info(repository, repo_type=kind, timeout=5)
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


def missing_model(repository: str, parameter: str) -> str:
    """What is wrong with a model that a parameter names, and what to do; empty if nothing is."""
    if cached(repository):
        return ""
    why = fetchable(repository)
    return why and (
        f"{parameter}: {repository} is not on this machine and {why}. On a machine with internet run "
        f"`huggingface-cli download {repository}` and copy ~/.cache/huggingface here, or set {parameter} to a folder that holds the model"
    )


def openclip_repository(model: str, tag: str) -> str:
    """The hub repository of an open_clip model's pretrained weights, or an empty string."""
    import open_clip

    return (open_clip.get_pretrained_cfg(model, tag) or {}).get("hf_hub", "").rstrip("/")


def missing(chapters: dict[str, dict[str, Any]]) -> list[str]:
    """Everything that the parameters of a run name and that is neither here nor to be fetched."""
    found = []
    for chapter, p in chapters.items():
        source = p.get("source", MINIATURE)
        if source in ("concadia", "jsonl", "table", "mcm-dpo", "mastodon", "x"):
            path = p.get("source_path", "")
            if not path:
                found.append(f"{chapter}.source_path: the source {source} needs a path")
            elif not Path(path).expanduser().exists():
                found.append(
                    f"{chapter}.source_path: {path} does not exist; put the posts there, or give the path where they are"
                )
        if source == "bluesky" and not p.get("source_path", ""):
            found.append(f"{chapter}.source_path: the source bluesky needs a folder to collect into")
        if source == "huggingface":
            name = p.get("source_path", "").partition("@")[0].partition(":")[0]
            if not Path(name).expanduser().exists() and (why := fetchable(name, "dataset")):
                found.append(
                    f"{chapter}.source_path: the dataset {name} is not on this machine and {why}. Fetch it elsewhere by "
                    f"`huggingface-cli download --repo-type dataset {name}` and give the folder of its Parquet files with source=table"
                )
        clipcap = p.get("clipcap", MINIATURE)
        if clipcap not in (MINIATURE, "train") and not Path(clipcap).expanduser().exists():
            found.append(
                f"{chapter}.clipcap: {clipcap} does not exist; it should be a .pt file of ClipCap's code, which its README links"
            )
        for name, what in PATHS.items():
            path = p.get(name, "")
            if path and not Path(path).expanduser().exists():
                found.append(f"{chapter}.{name}: {path} does not exist; it should be {what}")
        for name in ("language_model", "name_recogniser", "vision_language_model"):
            value = p.get(name, "")
            if value.startswith(SPACY):
                found.append(missing_spacy(value.removeprefix(SPACY), f"{chapter}.{name}"))
            elif value not in SMALL and not Path(value).expanduser().exists():
                found.append(missing_model(value, f"{chapter}.{name}"))
        value = p.get("clip_model", MINIATURE)
        if value.startswith(TRANSFORMERS):
            value = value.removeprefix(TRANSFORMERS)
            found.append("" if Path(value).expanduser().exists() else missing_model(value, f"{chapter}.clip_model"))
        elif value != MINIATURE and not Path(value).expanduser().exists():
            repository = (
                value.removeprefix("hf-hub:")
                if value.startswith("hf-hub:")
                else openclip_repository(value, p.get("clip_pretrained", ""))
            )
            if repository:
                found.append(missing_model(repository, f"{chapter}.clip_model"))
            else:
                found.append(
                    f"{chapter}.clip_model: open_clip knows no weights {p.get('clip_pretrained', '')!r} of {value!r}"
                )
    return [f for f in found if f]
