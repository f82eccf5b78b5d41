from altlib.data.posts import as_posts
from altlib.miniworld.network import network
from altlib.miniworld.planted import POOR, planted


def test_planted_texts_are_those_that_the_network_spoilt():
    fields = ("item_id", "post_id", "text", "alt_text", "language", "media_type", "is_repost", "labels", "facts")
    posts = as_posts([{f: getattr(p, f) for f in fields} | {"image": ""} for p in network(2, 400)])
    found = planted(posts)
    assert set(found["poor"]) == {"", *POOR} and 0.05 < (found["poor"] != "").mean() < 0.3
    copied = found[found["poor"] == "copies post"]
    assert (copied["alt_text"] == copied["text"]).all()
    assert (found["language"] == "en").all() and not found["alt_text"].duplicated().any()
