"""Pictures drawn and posts written a second in the miniature world, on one core."""

import time

from altlib.miniworld.network import network
from altlib.miniworld.render import render


def pictures_a_second(scenes):
    start = time.perf_counter()
    for scene in scenes:
        render(scene)
    return len(scenes) / (time.perf_counter() - start)


def main():
    start = time.perf_counter()
    posts = list(network(1, 2000))
    written = len(posts) / (time.perf_counter() - start)
    scenes = [post.scene for post in posts]
    first, again = pictures_a_second(scenes), pictures_a_second(scenes)
    print(
        f"{written:,.0f} pictures with their texts written a second; {first:,.0f} pictures drawn a second with empty "
        f"caches, {again:,.0f} with full ones"
    )


if __name__ == "__main__":
    main()
