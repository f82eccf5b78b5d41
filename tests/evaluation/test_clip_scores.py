"""CLIPScore and its like."""

import pytest
import torch
from torch.nn import functional as F

from altlib.evaluation.clip_scores import clip_score


def test_clip_score_as_published():
    a = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), dim=1)
    b = F.normalize(torch.tensor([[1.0, 1.0], [-1.0, 0.0]]), dim=1)
    assert clip_score(a, b).tolist() == pytest.approx([2.5 / 2**0.5, 0])
