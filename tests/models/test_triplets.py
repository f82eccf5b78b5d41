"""Pictures with a caption and a description each."""

import pytest
import torch

from altlib.models.triplets import make_triplets, tuning_triplets


def test_items_without_caption_or_description_are_counted_and_left_out(described_posts, base, tmp_path):
    spoilt = described_posts.head(8).copy()
    spoilt.loc[1, "caption"] = "  "
    spoilt.loc[5, "alt_text"] = ""
    data = tuning_triplets(spoilt, base, tmp_path)
    assert len(data) == 6 and data.incomplete == 2 and list(data.rows) == [0, 2, 3, 4, 6, 7]
    with pytest.raises(ValueError, match="none of 8 items"):
        tuning_triplets(described_posts.head(8).assign(caption=""), base, tmp_path)


def test_texts_longer_than_the_context_are_cropped_and_counted(described_posts, base):
    long = described_posts.head(3).copy()
    long.loc[0, "alt_text"] = "a very long description of a cup " * 40
    data = make_triplets(long, torch.zeros(3, base.width), base)
    plain = make_triplets(described_posts.head(3), torch.zeros(3, base.width), base)
    assert data.cropped == plain.cropped + 1
    assert data.descriptions.shape == data.captions.shape == (3, base.model.context_length)
