import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altlib.data.splits import keeps_own_split, split_by_post, split_counts


@given(ids=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), min_size=1, max_size=60), seed=st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_no_post_and_no_text_is_in_two_splits(ids, seed):
    posts = pd.DataFrame({"post_id": [f"p{a}" for a, _ in ids], "text": ["" if b == 0 else f"t{b}" for _, b in ids]})
    split = split_by_post(posts, 0.2, 0.3, seed)
    assert posts.assign(split=split).groupby("post_id")["split"].nunique().max() == 1
    named = posts.assign(split=split)[posts["text"] != ""]
    assert named.empty or named.groupby("text")["split"].nunique().max() == 1


@given(n=st.integers(3, 40), seed=st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_a_handful_of_posts_leaves_no_split_empty(n, seed):
    posts = pd.DataFrame({"post_id": [f"p{i}" for i in range(n)], "text": [f"t{i}" for i in range(n)]})
    assert set(split_by_post(posts, 0.05, 0.05, seed)) == {"train", "val", "test"}
    assert "test" not in set(split_by_post(posts, 0.05, 0.0, seed))


def test_more_data_moves_no_post():
    large = pd.DataFrame({"post_id": [f"p{k}" for k in range(500)], "text": [f"text {k}" for k in range(500)]})
    small = large.head(50)
    a, b = split_by_post(small, 0.1, 0.1, 0), split_by_post(large, 0.1, 0.1, 0)
    assert (a == b[:50]).all()
    assert 0.05 < (b == "test").mean() < 0.15 and 0.05 < (b == "val").mean() < 0.15


def test_a_newer_post_with_a_smaller_id_moves_no_older_one():
    older = pd.DataFrame({"post_id": [f"p{k}" for k in range(60)], "text": [f"text {k}" for k in range(60)]})
    newer = pd.DataFrame({"post_id": [f"a{k}" for k in range(60)], "text": [f"text {k}" for k in range(60)]})
    split = split_by_post(pd.concat([older, newer], ignore_index=True), 0.2, 0.2, 0)
    assert (split[:60] == split_by_post(older, 0.2, 0.2, 0)).all()
    assert (split[60:].to_numpy() == split[:60].to_numpy()).all()


def groups(rows) -> list[tuple[set, set]]:
    """The groups of posts that share a text, the one of the oldest post first: the posts and texts of each."""
    found: list[tuple[set, set]] = []
    for post, text in rows:
        texts = {text} - {""}
        hit = [g for g in found if post in g[0] or texts & g[1]]
        if not hit:
            found.append(({post}, texts))
            continue
        first, *others = hit
        first[0].update({post}, *(g[0] for g in others))
        first[1].update(texts, *(g[1] for g in others))
        found = [g for g in found if not any(g is o for o in others)]
    return found


FILLED = [(f"filler{k}", "") for k in range(40)]  # so that no split is empty and is given a group for that
ROWS = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 12)), max_size=25)


@given(before=ROWS, after=ROWS, seed=st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_of_a_corpus_that_grows_only_the_younger_of_two_joined_groups_moves(before, after, seed):
    def rows(numbers):
        return [(f"p{99 - a}", f"t{b}" if b else "") for a, b in numbers]  # later posts often have smaller ids

    small, large = FILLED + rows(before), FILLED + rows(before) + rows(after)
    one, two = (
        split_by_post(pd.DataFrame(r, columns=["post_id", "text"]), 0.2, 0.3, seed).tolist() for r in (small, large)
    )
    moved = {post for (post, _), a, b in zip(small, one, two, strict=False) if a != b}
    oldest = {min(members, key=[p for p, _ in large].index) for members, _ in groups(large)}
    old_groups = {post: number for number, (members, _) in enumerate(groups(small)) for post in members}
    for members, _ in groups(large):
        joined = sorted({old_groups[post] for post in members if post in old_groups})
        stay = {post for post in members if old_groups.get(post) in joined[:1]}
        assert not moved & stay and not moved & oldest
        assert len({b for (post, _), b in zip(large, two, strict=True) if post in members}) == 1


def test_pictures_and_posts_of_each_split_are_counted():
    posts = pd.DataFrame({"post_id": ["a", "a", "b"], "split": ["train", "train", "test"]})
    assert split_counts(posts).to_numpy().tolist() == [["train", 2, 1], ["val", 0, 0], ["test", 1, 1]]


def test_a_post_in_two_splits_is_an_error():
    with pytest.raises(AssertionError, match="in two splits"):
        split_counts(pd.DataFrame({"post_id": ["a", "a"], "split": ["train", "test"]}))


def test_a_source_has_a_split_of_its_own_if_every_row_is_in_one():
    assert keeps_own_split(pd.DataFrame({"split": ["train", "val", "test"]}))
    assert not keeps_own_split(pd.DataFrame({"split": ["train", ""]}))
