"""The command ``altlib``: render the book, caption a picture."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 an error that the message explains, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="altlib", description="Alt-text generation for social media: run the book, caption a picture."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    book = commands.add_parser(
        "book",
        help="bring the book of a parameter file up to date",
        epilog="Arguments after -- go to Snakemake, such as -- --dry-run or -- --profile FOLDER.",
    )
    book.add_argument("file", type=Path, help="a parameter file, such as params/workshop.yaml")
    book.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        dest="settings",
        help="override a parameter; may be repeated",
    )
    book.add_argument("--seeds", metavar="0-4", help="run once for each seed and summarise")

    check = commands.add_parser("check", help="check a parameter file without running anything")
    check.add_argument("file", type=Path)
    check.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE", dest="settings")

    train = commands.add_parser(
        "train",
        help="train a run's captioners as chapter 02 does, on all GPUs: accelerate launch -m altlib train FILE",
    )
    train.add_argument("file", type=Path, help="the parameter file of a run whose chapter 01 is done")
    train.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE", dest="settings")

    caption = commands.add_parser("caption", help="write alt text for a picture")
    caption.add_argument("picture", type=Path)
    caption.add_argument("--post", default="", help="the text that the picture is posted with")
    caption.add_argument("--run", type=Path, default=None, help="a run's folder (default: runs/workshop)")
    caption.add_argument("--captioner", default="text-image", help="which captioner of the run (default: text-image)")
    caption.add_argument("--candidates", type=int, default=1, metavar="N", help="print the N best with their scores")
    caption.add_argument("--device", default="auto")

    score = commands.add_parser(
        "score", help="score texts for a picture: CLIPScore and the preference for descriptions"
    )
    score.add_argument("picture", type=Path)
    score.add_argument("--text", action="append", required=True, help="a text to score; may be repeated")
    score.add_argument("--run", type=Path, default=None, help="a run's folder (default: runs/workshop)")
    score.add_argument(
        "--model", default="", help="which tuned model of the run, such as iit-das-lora-0 (default: the best)"
    )

    collect = commands.add_parser("collect", help="collect posts from a network into a folder")
    collect.add_argument("source", choices=["bluesky", "mastodon", "x"])
    collect.add_argument("folder", type=Path)
    collect.add_argument(
        "--instance", default="https://mastodon.social", help="Mastodon instance (default: %(default)s)"
    )
    collect.add_argument("--ids", type=Path, help="for x: file of post ids, as JSON lines, CSV or one a line")
    collect.add_argument("--pictures", type=int, default=0, metavar="N", help="stop at so many pictures (0: do not)")
    collect.add_argument("--minutes", type=float, default=0.0, metavar="M", help="stop after so long (0: do not)")
    collect.add_argument("--language", default="en", help="language of the posts (default: en; empty: all)")
    collect.add_argument("--minimum-characters", type=int, default=20, metavar="N", help="shortest alt text taken")

    forget = commands.add_parser("forget", help="take posts, their pictures and all that was derived from them out")
    forget.add_argument("folders", type=Path, nargs="+", help="collections and folders of runs")
    forget.add_argument(
        "--post",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="such as at://did:plc:x/app.bsky.feed.post/y; may be repeated",
    )
    forget.add_argument(
        "--author", action="append", default=[], metavar="ACCOUNT", help="such as did:plc:x; may be repeated"
    )
    forget.add_argument("--keep-models", action="store_true", help="keep models that learned from the posts")

    dehydrate = commands.add_parser(
        "dehydrate", help="write the addresses of a collection's posts and pictures, nothing else"
    )
    dehydrate.add_argument("folder", type=Path)
    dehydrate.add_argument("file", type=Path, help="JSON Lines file to write")

    for name, meaning in (
        ("execute", "execute one chapter of a plan (used by Snakemake)"),
        ("render", "render the pages of a plan (used by Snakemake)"),
    ):
        step = commands.add_parser(name, help=meaning)
        step.add_argument("plan", type=Path)
        if name == "execute":
            step.add_argument("chapter")

    given = sys.argv[1:] if arguments is None else arguments
    border = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:border])
    if given[border + 1 :] and options.command != "book":
        parser.error("only `altlib book` takes arguments after --")
    options.snakemake = given[border + 1 :]
    from altlib.core.errors import BackboneError, DiskFullError, RunError

    try:
        return dispatch(options)
    except (
        BackboneError,
        DiskFullError,
        RunError,
        ValueError,  # of which CorpusError, ParameterError and PictureError are kinds
        FileNotFoundError,
    ) as error:
        print(f"altlib: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("altlib: interrupted; what was finished is kept, run the same command again to go on", file=sys.stderr)
        return 130


def dispatch(options: argparse.Namespace) -> int:
    """Carry out a parsed command."""
    from altlib.runs import book, execute, render, seeds

    match options.command:
        case "book":
            if options.seeds:
                seeds.run_seeds(options.file, options.settings, seeds.parse_seeds(options.seeds), options.snakemake)
            else:
                book.run_book(options.file, options.settings, options.snakemake)
        case "train":
            from altlib.training.suite import systems_of

            run, resolved = book.resolve_file(options.file, options.settings)
            systems_of(run, resolved.chapters["training"]).train_all()
        case "check":
            _, resolved = book.resolve_file(options.file, options.settings)
            print(
                f"{options.file}: valid; run {resolved.run}, {sum(map(len, resolved.chapters.values()))} parameters in {len(resolved.chapters)} chapters"
            )
        case "caption":
            print_captions(options)
        case "score":
            print_scores(options)
        case "collect":
            collect_posts(options)
        case "forget":
            forget_posts(options)
        case "dehydrate":
            from altlib.core.files import write_text
            from altlib.data.collect.store import open_collection

            with open_collection(options.folder) as collection:
                lines = [json.dumps(record) for record in collection.dehydrated()]
            write_text(options.file, "".join(f"{line}\n" for line in lines))
            print(f"{options.file}: addresses of {len(lines)} pictures")
        case "execute":
            execute.execute_chapter(options.plan, options.chapter)
        case "render":
            render.render_book(options.plan)
    return 0


def collect_posts(options: argparse.Namespace) -> None:
    """Collect posts and say what there is and what was not taken."""
    from altlib.data.collect import bluesky, mastodon, x
    from altlib.data.collect.store import open_collection

    ending = {"pictures": options.pictures, "seconds": 60 * options.minutes}
    common = ending | {"language": options.language, "minimum_characters": options.minimum_characters}
    if options.source == "x" and options.ids is None:
        raise ValueError("collecting from x wants --ids FILE")

    def tell(text: str) -> None:
        print(text, file=sys.stderr)

    try:
        if options.source == "bluesky":
            bluesky.collect_live(options.folder, bluesky.BlueskySettings(**common), tell)
        elif options.source == "x":
            x.collect_live(options.folder, x.XSettings(ids=options.ids, **ending), tell)
        else:
            instance = options.instance.rstrip("/")
            mastodon.collect_live(options.folder, mastodon.MastodonSettings(instance=instance, **common), tell)
    finally:
        if (options.folder / "posts.sqlite").is_file():
            with open_collection(options.folder) as collection:
                print(f"{options.folder}: " + ", ".join(f"{n} {state}" for state, n in collection.states().items()))
                for reason, number in collection.excluded().items():
                    print(f"  not taken: {number} {reason}")


def forget_posts(options: argparse.Namespace) -> None:
    """Forget posts and authors in collections and runs."""
    from altlib.runs.forgetting import forget_collected, forget_in_run

    if not options.post and not options.author:
        raise ValueError("say what to forget: --post ADDRESS or --author ACCOUNT")
    for folder in options.folders:
        if (folder / "posts.sqlite").is_file():
            count = forget_collected(folder, options.post, options.author)
            print(f"{folder}: {count} pictures forgotten; they will not be collected again")
            continue
        found = forget_in_run(folder, options.post, options.author, options.keep_models)
        print(
            f"{folder}: {found.rows} pictures forgotten"
            + (f"; deleted {', '.join(found.folders)}: run the book again" if found.folders else "")
        )


def print_captions(options: argparse.Namespace) -> None:
    """Print the alt text of a picture, or its best candidates with their scores."""
    from altlib.core.devices import pick_device
    from altlib.core.errors import BackboneError
    from altlib.core.images import open_picture
    from altlib.generation.decoding import Decoding, decode
    from altlib.models.captioner import load_captioner
    from altlib.models.clip import load_clip
    from altlib.models.features import encode_pictures
    from altlib.runs.book import project_root

    if options.candidates < 1:
        raise ValueError("--candidates must be at least 1")
    open_picture(options.picture)  # a bad picture is refused before any model is loaded
    run = options.run or project_root() / "runs" / "workshop"
    folder = run / "captioners" / options.captioner
    if run.is_dir() and not folder.is_dir():
        known = sorted(p.parent.name for p in run.glob("captioners/*/captioner.json"))
        raise ValueError(
            f"{run} has no captioner {options.captioner!r}; it has {', '.join(known) or 'none: run the book first'}"
        )
    device = pick_device(options.device)
    captioner = load_captioner(folder, device)
    config = captioner.config
    clip = load_clip(config.clip_name, config.clip_pretrained, device)
    if config.clip_fingerprint and clip.fingerprint != config.clip_fingerprint:
        raise BackboneError(f"{folder} was trained on other CLIP weights than {clip.name} has now; run the book again")
    features = encode_pictures([str(options.picture)], clip, batch_size=1, workers=1)
    settings = Decoding(beams=max(5, options.candidates), max_tokens=config.max_tokens)
    found = decode(captioner, features, [options.post], settings, name=options.picture.name)[0][: options.candidates]
    for candidate in found:
        print(f"{candidate.score:8.3f}  {candidate.text}" if options.candidates > 1 else candidate.text)


def print_scores(options: argparse.Namespace) -> None:
    """Print the base and the description-preferring score of each text, best description first."""
    from altlib.core.images import open_picture
    from altlib.evaluation.clip_scores import score_picture
    from altlib.evaluation.second_captions import open_tuned
    from altlib.runs.book import project_root

    open_picture(options.picture)
    run = options.run or project_root() / "runs" / "workshop"
    base, tuned = open_tuned(run, options.model)
    rows, cropped = score_picture(options.picture, options.text, base, tuned)
    if cropped:
        print(
            f"altlib: {cropped} of {len(rows)} texts were longer than the model reads and were cropped", file=sys.stderr
        )
    print(f"{'CLIPScore':>9}  {tuned.settings.name:>{max(10, len(tuned.settings.name))}}  text")
    for text, row in sorted(zip(options.text, rows, strict=True), key=lambda pair: -pair[1]["description score"]):
        print(f"{row['CLIPScore']:9.3f}  {row['description score']:{max(10, len(tuned.settings.name))}.3f}  {text}")
