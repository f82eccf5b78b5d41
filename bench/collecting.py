"""How many events of Bluesky's stream a second one core takes in, and whether memory stays flat.

Events as they come: a tenth are image posts, of which a few are kept; the rest are posts
without pictures, deletions of unknown posts, and accounts. No network is used.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from random import Random

from altlib.data.collect.bluesky import BATCH, BlueskySettings, Stream
from altlib.data.collect.store import Collection

START = 1_750_000_000_000_000


def event(rng, number):
    """One event as Jetstream sends it, as text."""
    author, key, kind = f"did:plc:{rng.randrange(10**6):024}", f"3k{number:011}", rng.random()
    commit = {"collection": "app.bsky.feed.post", "rkey": key, "operation": "create"}
    record = {
        "$type": "app.bsky.feed.post",
        "text": "word " * rng.randint(1, 50),
        "langs": ["en"],
        "createdAt": "2025-06-15T15:06:40Z",
    }
    if kind < 0.1:
        alt = "" if rng.random() < 0.7 else f"A boat on the river, seen from bridge {number}"
        link = f"bafkrei{number:052}"
        record["embed"] = {
            "$type": "app.bsky.embed.images",
            "images": [{"alt": alt, "image": {"ref": {"$link": link}}}],
        }
    elif kind < 0.3:
        commit["operation"] = "delete"
    elif kind < 0.31:
        return json.dumps(
            {"did": author, "time_us": START + number * 500, "kind": "account", "account": {"active": False}}
        )
    if commit["operation"] == "create":
        commit["record"] = record
    return json.dumps({"did": author, "time_us": START + number * 500, "kind": "commit", "commit": commit})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    options = parser.parse_args()
    rng = Random(0)
    with tempfile.TemporaryDirectory() as folder, Collection(Path(folder)) as collection:
        stream = Stream(collection, BlueskySettings(), print)
        spent = 0.0
        for part in range(4):
            for start in range(part * options.events // 4, (part + 1) * options.events // 4, BATCH):
                frames = [event(rng, n) for n in range(start, start + BATCH)]
                began = time.perf_counter()
                stream.store(frames)
                spent += time.perf_counter() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{stream.events:,} events, {collection.wanted:,} pictures: {stream.events / spent:,.0f} events/s, peak {peak:.0f} MiB"
            )


if __name__ == "__main__":
    main()
