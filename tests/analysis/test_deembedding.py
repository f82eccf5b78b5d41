"""Prefix vectors and the tokens nearest to them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from altlib.analysis import deembedding


def test_a_prefix_made_of_words_is_turned_back_into_them():
    torch.manual_seed(0)
    embedding = torch.randn(30, 16)
    ids = torch.tensor([[3, 7], [11, 29]])
    for measure in ("cosine", "dot product"):
        prefix = 5 * F.normalize(embedding[ids], dim=-1) if measure == "cosine" else embedding[ids]
        found = deembedding.nearest_tokens(prefix, F.normalize(embedding, dim=-1), top=3, measure=measure)
        assert torch.equal(found.ids[..., 0], ids) and (found.similarity.diff(dim=-1) <= 0).all()
    allowed = torch.ones(30, dtype=torch.bool)
    allowed[3] = False
    assert deembedding.nearest_tokens(embedding[ids], embedding, 1, allowed=allowed).ids[0, 0, 0] != 3
    with pytest.raises(ValueError, match="unknown measure"):
        deembedding.nearest_tokens(embedding[ids], embedding, 1, "euclid")


def test_naming_beats_chance_only_where_the_prefix_knows_the_picture():
    vocabulary = [f"word{c}{d}" for c in "abcdefgh" for d in "xy"]
    words = [{vocabulary[i]} for i in range(16)]
    ids = torch.stack(
        [torch.tensor([[i], [3]]) for i in range(16)]
    )  # position 1 names its picture, position 2 says the same always
    rates = deembedding.naming_rates(ids, vocabulary, words, seed=0)
    assert rates["observed"].tolist() == [1.0, 1 / 16]
    assert rates["chance"][0] == 0 and rates["chance_low"][1] <= rates["observed"][1] <= rates["chance_high"][1]
    assert rates["lead"].mean() == pytest.approx((rates["observed"] - rates["chance"]).mean())


def test_pieces_of_words_name_a_picture_but_short_ones_do_not():
    assert deembedding.names_picture("Grow", {"growler"}) and deembedding.names_picture("mug", {"mug"})
    assert not deembedding.names_picture("gro", {"growler"}) and not deembedding.names_picture("owler", {"growler"})
    assert deembedding.content_words("The photo shows a red mug at Whitby") == {"red", "mug", "whitby"}


def test_distances_to_the_cloud():
    embedding = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    found = deembedding.cloud_distances(torch.tensor([[[0.0, 1.0]]]), embedding)
    assert found["prefix"].tolist() == [[1.0]] and found["tokens"] == pytest.approx([5.0, 5.0], abs=1e-4)
    assert found["prefix_norm"].tolist() == [[1.0]] and np.allclose(found["token_norm"], [0, 5])


@given(st.integers(1, 9), st.integers(2, 60), st.integers(1, 30), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_distances_in_tiles_are_those_of_the_whole_matrix(points, tokens, tile, seed):
    generator = torch.Generator().manual_seed(seed)
    embedding, other = (torch.randn(n, 5, generator=generator) for n in (tokens, points))
    whole = torch.cdist(embedding, embedding).fill_diagonal_(torch.inf)
    torch.testing.assert_close(deembedding.token_distances(embedding, tile), whole.amin(1), atol=1e-5, rtol=1e-5)
    nearest = torch.cdist(other, embedding).amin(1)
    torch.testing.assert_close(deembedding.nearest_distances(other, embedding, tile), nearest, atol=1e-5, rtol=1e-5)


class LargestTensor(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that is made."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function, types, arguments=(), names=None):
        made = function(*arguments, **(names or {}))
        self.numbers = max([self.numbers, *(x.numel() for x in tree_leaves(made) if isinstance(x, torch.Tensor))])
        return made


def test_a_real_vocabulary_needs_no_more_memory_than_its_own_embedding(monkeypatch):
    """250,000 tokens of width 640, as tensors without content: their distances would be 62,500 million numbers."""
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: tensor)  # what has no content cannot be moved
    embedding = torch.empty(250_000, 640, device="meta")
    prefix = torch.empty(70, 12, 640, device="meta")
    with LargestTensor() as largest:
        assert deembedding.token_distances(embedding).shape == (250_000,)
        assert deembedding.nearest_distances(prefix.flatten(0, 1), embedding).shape == (840,)
        assert deembedding.nearest_tokens(prefix, embedding, top=5).ids.shape == (70, 12, 5)
    assert deembedding.TILE**2 <= largest.numbers <= embedding.numel()
