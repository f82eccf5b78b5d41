"""Pictures drawn and posts written a second in the miniature world, on one core."""

import time

from altlib.miniworld.network import network


def main():
    start = time.perf_counter()
    posts = list(network(1, 2000))
    written = len(posts) / (time.perf_counter() - start)
    for _ in ("first", "again"):
        start = time.perf_counter()
        for post in posts:
            post.draw()
        drawn = len(posts) / (time.perf_counter() - start)
    print(f"{written:,.0f} posts written a second, {drawn:,.0f} pictures drawn a second")


if __name__ == "__main__":
    main()
