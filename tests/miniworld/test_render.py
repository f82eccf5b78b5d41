"""Pictures of scenes."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest

from altlib.miniworld.glyphs import SIZE
from altlib.miniworld.render import render
from altlib.miniworld.scene import sample_story

HASH = """
import hashlib
from random import Random
from altlib.miniworld.render import render
from altlib.miniworld.scene import sample_story
scenes = [s for i in range(60) for s in sample_story(str(i), Random(f"render/{i}")).scenes]
print(hashlib.sha256(b"".join(render(s).tobytes() for s in scenes)).hexdigest())
"""


@pytest.fixture(scope="module")
def scenes():
    return [scene for i in range(60) for scene in sample_story(str(i), Random(f"render/{i}")).scenes]


def test_every_form_is_drawn_in_one_size():
    drawn = {}
    for i in range(800):
        scene = sample_story(str(i), Random(f"forms/{i}")).scenes[0]
        drawn.setdefault(scene.form, render(scene))
    assert len(drawn) == 8
    assert all(image.size == (SIZE, SIZE) and image.mode == "RGB" for image in drawn.values())


def test_the_same_scenes_give_the_same_bytes_in_another_process_and_order(scenes):
    pictures = [render(scene).tobytes() for scene in reversed(scenes)]
    here = hashlib.sha256(b"".join(reversed(pictures))).hexdigest()
    there = subprocess.run([sys.executable, "-c", HASH], capture_output=True, text=True, check=True).stdout.strip()
    assert here == there


def test_media_of_artworks_look_different():
    scene = next(s for i in range(500) for s in sample_story(str(i), Random(f"art/{i}")).scenes if s.form == "artwork")
    media = [render(replace(scene, detail=medium)).tobytes() for medium in ("watercolour", "pencil", "pixel", "oil")]
    assert len(set(media)) == 4


def test_an_unknown_form_is_named(scenes):
    with pytest.raises(ValueError, match="'hologram'"):
        render(replace(scenes[0], form="hologram"))
