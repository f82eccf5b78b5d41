"""Disturb the collectors of Bluesky, Mastodon and X until a thousand connections broke, and compare what they keep.

Servers on loopback post, edit and delete, and meanwhile drop connections (in order, in the middle of an
answer, with a reset), repeat, reorder and corrupt what they send, and go on while nobody listens. What the
collectors keep must be what is there in the end: no post lost, none twice, nothing left of a deleted one.

python bench/collector_faults.py --disconnects 1000
"""

import argparse
import tempfile
import time
from pathlib import Path

from disturbed_networks import Faults, disturb_bluesky, disturb_mastodon, disturb_x

from altlib.data.collect.reading import open_collection

NETWORKS = {"bluesky": disturb_bluesky, "mastodon": disturb_mastodon, "x": disturb_x}


def compare(folder, kept, gone):
    """How many pictures of a collection are lost, double, or deleted elsewhere and still here."""
    unreadable = []
    with open_collection(folder) as collection:
        found = [
            (post["item_id"], post["alt_text"], Path(post["image"]).is_file()) for post in collection.posts(unreadable)
        ]
        files = [row[0] for row in collection.base.execute("SELECT file FROM pictures")]
    images = {path.name for path in (folder / "images").iterdir()}
    content = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    held = {(item, alt) for item, alt, there in found if there}
    return {
        "posts kept": len({item.partition("#")[0] for item, _ in held}),
        "pictures kept": len(held),
        "lost": len(set(kept.items()) - held),
        "double": len(found) - len({item for item, _, _ in found}) + len(files) - len(set(files)),
        "deleted but here": len(held - set(kept.items()))
        + sum(alt.encode() in content for alt in gone)
        + len(images - set(files)),
        "unreadable": len(unreadable),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--disconnects", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    options = parser.parse_args()
    total, bad = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name in options.networks:
            faults, began = Faults(options.seed), time.monotonic()
            kept, gone = NETWORKS[name](Path(folder) / name, faults, -(-options.disconnects // len(options.networks)))
            found = compare(Path(folder) / name, kept, gone)
            posts = len({item.partition("#")[0] for item in kept})
            print(f"{name}: {faults.disconnects} disconnects in {time.monotonic() - began:.0f} s")
            print(
                f"  of what was sent, there in the end: {posts} posts, {len(kept)} pictures; texts gone again: {len(gone)}"
            )
            print("  " + ", ".join(f"{what} {number}" for what, number in found.items()))
            print("  " + ", ".join(f"{number} {what}" for what, number in sorted(faults.counts.items())), flush=True)
            total += faults.disconnects
            bad += found["lost"] + found["double"] + found["deleted but here"]
    print(f"{total} disconnects, {bad} pictures lost, double or left behind")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
