"""Drawn ratings, where there are no people's."""

import pytest

from altlib.data.sources import registry
from altlib.evaluation import ratings
from altlib.miniworld import ratings as drawn_ratings


def test_the_stand_in_rates_alt_text_above_captions_and_only_the_picture_shows_mistakes(tmp_path):
    posts = registry.collect("miniworld", tmp_path, posts=20, seed=3)[0]
    groups, items = drawn_ratings.miniworld_ratings(posts[posts["alt_text"] != ""].reset_index(drop=True))
    means = {}
    for name, group in groups.items():
        could_be_mistaken = set(group[group["context"] == "mistaken"]["img_id"])  # a file name states nothing
        alike = group[group["img_id"].isin(could_be_mistaken)]
        means[name] = alike.groupby("context")["overall"].mean()
    for name in groups:
        assert means[name]["alt text"] > means[name]["caption"]
    with_image = means["reader with image"]
    assert with_image["alt text"] > with_image["mistaken"] + 0.3
    assert means["reader without image"]["alt text"] == pytest.approx(
        means["reader without image"]["mistaken"], abs=0.2
    )
    assert all(group[list(ratings.QUESTIONS)].stack().dropna().between(1, 5).all() for group in groups.values())
    assert len(items) == len(groups["reader without image"])
    found = ratings.rated_items(posts.assign(split="test"), "", "", 10, 0)
    assert found.stand_in and len(found.pairs) > 20
    assert not ratings.rated_items(posts.assign(split="test", facts=""), "", "", 10, 0).groups
