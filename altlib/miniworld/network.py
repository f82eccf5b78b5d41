"""Posts of the miniature world, with everything that cleaning must find.

Stories are independent: story ``i`` of seed ``s`` is a function of ``(s, i)`` alone. Any part of the
network can therefore be made without the rest, on any number of cores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from PIL import Image

from altlib.miniworld.alt_text import write_alt_text
from altlib.miniworld.archive import (
    account_names,
    plain_noun,
    write_account,
    write_catalogue_line,
    write_note,
)
from altlib.miniworld.captions import write_caption
from altlib.miniworld.checks import check_world
from altlib.miniworld.grammar import expand
from altlib.miniworld.lexicon import read
from altlib.miniworld.names import person_name, place_name
from altlib.miniworld.posts import write_post, write_reply
from altlib.miniworld.reading import read_text
from altlib.miniworld.render import render
from altlib.miniworld.scene import Scene, Story, sample_story, scene_facts

EPOCH = datetime(2022, 6, 20, tzinfo=UTC)  # when the first story is posted
# How often the alt text of a picture is spoilt, and how; the rest is as written.
ALT_NOISE = {
    "placeholder": 0.03,
    "copies post": 0.02,
    "url": 0.015,
    "handle": 0.015,
    "hashtag": 0.015,
    "terse": 0.04,
    "leading phrase": 0.06,
    "second caption": 0.05,
    "person name": 0.05,
    "missing": 0.02,
}
# How often a whole post is of a kind that is not collected.
POST_NOISE = {"gif": 0.02, "repost": 0.02, "foreign": 0.04, "labelled": 0.01}
SPAM_RATE = 0.03  # of stories: an account that posts the same again
BOT_RATE = 0.02  # of stories: a bot whose pictures differ by a few pixels


@dataclass(frozen=True)
class MiniPost:
    """One picture of one post, with what its writers and the platform say about it.

    Attributes:
        item_id: Of the picture.
        post_id: Of the post.
        created_at: In ISO 8601.
        text: Of the post.
        alt_text: As published, possibly spoilt.
        caption: A colloquial caption.
        language: ISO 639-1 code.
        media_type: photo or gif.
        is_repost: Whether somebody else's post is repeated.
        labels: Content warnings.
        facts: JSON, from :func:`altlib.miniworld.scene.scene_facts`, and how the alt text was spoilt.
        story: What the post is about.
        scene: What the picture shows.
        dots: How many spots a bot has changed.
    """

    item_id: str
    post_id: str
    created_at: str
    text: str
    alt_text: str
    caption: str
    language: str
    media_type: str
    is_repost: bool
    labels: str
    facts: str
    story: Story
    scene: Scene
    dots: int = 0

    def draw(self) -> Image.Image:
        """The picture, RGB."""
        image = render(self.scene)
        rng = Random(f"{self.item_id}/dots")
        for _ in range(self.dots):
            image.paste((rng.randrange(256),) * 3, (x := rng.randrange(92), y := rng.randrange(92), x + 3, y + 3))
        return image


def spoil(alt_text: str, how: str, story: Story, scene: Scene, post_text: str, rng: Random) -> str:
    """Alt text as an untrained writer might have left it.

    Args:
        alt_text: As it should be.
        how: A name of :data:`ALT_NOISE`; any other leaves the alt text as it is.
        story: Of the post.
        scene: Of the picture.
        post_text: Of the post.
        rng: Chooses the words.
    """
    noise = read("sentences.toml")["noise"]
    person = person_name(rng)
    slots = {
        "event": f"the {story.event}",
        "who": story.who,
        "date": story.date,
        "place": story.place_name,
        "noun": plain_noun(scene),
    }
    match how:
        case "placeholder":
            return rng.choice(noise["placeholders"])
        case "copies post":
            return post_text
        case "url":
            return f"{alt_text} https://{story.place_name.split()[0].lower()}.example/{rng.randrange(999)}"
        case "handle":
            return f"{alt_text} (pic by @{story.who.lower()}{rng.randrange(99)})"
        case "hashtag":
            return f"{alt_text} #{story.setup}{rng.choice(['', 'life', 'day'])}"
        case "terse":
            return expand(rng.choice(noise["terse"]), slots, rng)
        case "leading phrase":
            return rng.choice(noise["leading"]) + decapitalised(alt_text)
        case "second caption":
            return expand(rng.choice(noise["second_caption"]), slots, rng)
        case "person name":
            return f"{alt_text.rstrip('.!')}. {rng.choice(['Photo by', 'Photographed by', 'Thanks to'])} {person}."
        case "missing":
            return ""
    return alt_text


def decapitalised(text: str) -> str:
    """The text as it goes on after "Image of ": with a small article at its start."""
    first, _, rest = text.partition(" ")
    return f"{first.lower()} {rest}" if first in SMALL_AFTER_LEADING else text


SMALL_AFTER_LEADING = frozenset({"A", "An", "Two", "Three", "Four", "Five", "There", "On", "In", "At"})


def mentioned_facts(text: str) -> dict[str, frozenset[str]]:
    """The visible facts that a post states itself, as the judge of facts reads them, with their values."""
    found: dict[str, set[str]] = {}
    for mention in read_text(text).mentions:
        found.setdefault(mention.fact, set()).add(mention.value)
    found["companion"] = found.get("thing", set())
    return {fact: frozenset(values) for fact, values in found.items()}


def facts_as_json(story: Story, scene: Scene, said_too: dict[str, frozenset[str]], how: str) -> str:
    """The facts of a picture, with how its alt text was spoilt, as JSON."""
    noise = {"fact": "noise", "value": how, "visible": False, "said": False}
    return json.dumps([*scene_facts(story, scene, said_too), noise], ensure_ascii=False)


def post_story(seed: int, index: int) -> list[MiniPost]:
    """All pictures of one story, and their repetitions if its account is a spammer or a bot."""
    rng = Random(f"miniworld/{seed}/{index}")
    story = sample_story(f"{seed:x}-{index:06d}", rng)
    text = write_post(story, rng)
    sort = rng.choices([*POST_NOISE, "ordinary"], [*POST_NOISE.values(), 1 - sum(POST_NOISE.values())])[0]
    language = "en"
    if sort == "foreign":
        foreign = read("sentences.toml")["foreign"]
        language = rng.choice(list(foreign))
        text = expand(rng.choice(foreign[language]), {"place": place_name(rng)}, rng)
    created = EPOCH + timedelta(seconds=37 * index + rng.randrange(37))
    posts = []
    post_facts = mentioned_facts(text)
    for number, scene in enumerate(story.scenes):
        how = rng.choices([*ALT_NOISE, "as written"], [*ALT_NOISE.values(), 1 - sum(ALT_NOISE.values())])[0]
        facts = facts_as_json(story, scene, post_facts, how)
        posts.append(
            MiniPost(
                item_id=f"{story.story_id}-{number}",
                post_id=story.story_id,
                created_at=created.isoformat(),
                text=text,
                alt_text=spoil(
                    write_alt_text(story, scene, rng, how == "leading phrase"), how, story, scene, text, rng
                ),
                caption=write_caption(story, scene, rng),
                language=language,
                media_type="gif" if sort == "gif" else "photo",
                is_repost=sort == "repost",
                labels="graphic-media" if sort == "labelled" else "",
                facts=facts,
                story=story,
                scene=scene,
            )
        )
    return posts + repeats(posts, created, rng)


def repeats(posts: list[MiniPost], created: datetime, rng: Random) -> list[MiniPost]:
    """What a spammer or a bot posts again later: the same alt text, or nearly the same picture.

    Args:
        posts: The pictures of the story.
        created: When it was posted.
        rng: Decides whether the account is one, and what it posts.
    """
    fate = rng.random()
    copies = []
    if fate < SPAM_RATE + BOT_RATE:
        for n in range(1, rng.randint(2, 4)):
            later = (created + timedelta(hours=6 * n)).isoformat()
            first = replace(
                posts[0], item_id=f"{posts[0].item_id}r{n}", post_id=f"{posts[0].post_id}r{n}", created_at=later
            )
            if fate < SPAM_RATE:
                copies.append(first)
            else:
                again = write_alt_text(first.story, first.scene, rng)
                facts = facts_as_json(first.story, first.scene, mentioned_facts(first.text), "as written")
                copies.append(replace(first, alt_text=f"{again} Update {n}.", facts=facts, dots=rng.randint(1, 3)))
    return copies


def network(seed: int, stories: int, start: int = 0) -> Iterator[MiniPost]:
    """The pictures of some posts, in the order of their stories.

    Args:
        seed: Of the network.
        stories: How many posts.
        start: Number of the first one.

    Raises:
        CorpusError: A file of words is wrong.
    """
    check_world()
    for index in range(start, start + stories):
        yield from post_story(seed, index)


def thread(seed: int, index: int) -> list[str]:
    """What people write about one story without describing a picture: the post, then replies."""
    rng = Random(f"miniworld-thread/{seed}/{index}")
    story = sample_story(f"{seed:x}-{index:06d}", rng)
    return [write_post(story, rng), *(write_reply(story, rng) for _ in range(rng.randint(1, 4)))]


def account(seed: int, index: int) -> str:
    """A post, and below it what somebody who was there tells about its things and places."""
    rng = Random(f"miniworld-account/{seed}/{index}")
    story = sample_story(f"{seed:x}-{index:06d}", rng)
    return f"{write_post(story, rng)}\n{write_account(story, rng)}"


def account_told(seed: int, index: int) -> list[str]:
    """The names that the post of :func:`account` tells."""
    return account_names(sample_story(f"{seed:x}-{index:06d}", Random(f"miniworld-account/{seed}/{index}")))


def catalogued(seed: int, index: int) -> list[str]:
    """Entries of an archive on one story, one per picture: how it files the picture, then what was written about it.

    That is alt text alone; or what the post is about with a note of what is seen; or, for photographs,
    the post and what somebody who was there tells about this scene. No alt text stands below its own
    post.
    """
    rng = Random(f"miniworld-catalogue/{seed}/{index}")
    story = sample_story(f"{seed:x}-{index:06d}", rng)
    entries = []
    for scene in story.scenes:
        line, kind = write_catalogue_line(scene, rng), rng.random()
        if kind < 0.2 or not scene.thing:
            entries.append(f"{line}\n{write_alt_text(story, scene, rng)}")
        elif kind < 0.6 and scene.place:
            entries.append(f"{line}\n{write_post(story, rng)}\n{write_account(story, rng, scene)}")
        else:
            entries.append(f"{line}\n{write_note(story, scene, rng)}")
    return entries
