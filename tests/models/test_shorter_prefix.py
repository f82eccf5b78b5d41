"""The first vectors of a prefix."""

import pytest
import torch

from altlib.generation.decoding import Decoding, decode
from altlib.models.shorter_prefix import with_first_vectors


def test_the_first_vectors_are_those_of_the_whole_prefix(captioner, features):
    whole = captioner.prefix(features)
    for length in range(5):
        shorter = with_first_vectors(captioner, length)
        assert shorter.prefix_length == length
        assert torch.equal(shorter.prefix(features), whole[:, :length])
        assert shorter.language_model is captioner.language_model
    assert captioner.prefix_length == 4 and torch.equal(captioner.prefix(features), whole)


def test_without_vectors_every_picture_has_the_same_text(captioner, features, posts):
    search = Decoding(beams=2, max_tokens=8)
    blind = decode(with_first_vectors(captioner, 0), features, [posts[1]] * 7, search, torch.float32)
    assert len({found[0].text for found in blind}) == 1
    seeing = decode(with_first_vectors(captioner, 4), features, [posts[1]] * 7, search, torch.float32)
    assert seeing == decode(captioner, features, [posts[1]] * 7, search, torch.float32)
    assert len({found[0].text for found in seeing}) > 1


def test_more_vectors_than_there_are_cannot_be_read(captioner):
    with pytest.raises(ValueError, match="has 4 vectors; 5 of them"):
        with_first_vectors(captioner, 5)
