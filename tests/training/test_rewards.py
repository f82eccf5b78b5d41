import pytest
import torch
from torch.nn import functional as F

from altlib.models.clip import load_clip
from altlib.models.vocabulary_bridge import VocabularyBridge
from altlib.training.rewards import Reward


@pytest.fixture(scope="module")
def bridge(tokenizer):
    return VocabularyBridge(tokenizer, load_clip())


def sampled(bridge, texts):
    rows = [[*bridge.tokenizer(text).input_ids, bridge.end] for text in texts]
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [bridge.end] * (longest - len(row)) for row in rows])
    return tokens, F.one_hot(tokens, len(bridge.tokenizer)).float()


def test_clip_rewards_with_the_cosine_of_text_and_picture(bridge):
    texts = ["a red mug", "two dogs on the grass"]
    images = F.normalize(torch.randn(2, bridge.clip.width, generator=torch.Generator().manual_seed(0)), dim=-1)
    found = Reward("clip", bridge)(*sampled(bridge, texts), images)
    assert torch.allclose(found, (bridge.clip.encode_texts(texts) * images).sum(1), atol=1e-5)


def test_refcompare_rewards_with_about_the_share_of_references_that_are_outscored(bridge):
    reward = Reward("refcompare", bridge, torch.tensor([0.1, 0.2, 0.3, 0.4]), width=1e-4)
    assert reward.of_cosines(torch.tensor([0.05, 0.25, 0.9])).tolist() == pytest.approx([0, 0.5, 1], abs=1e-4)
    soft = Reward("refcompare", bridge, torch.tensor([0.3]), width=0.02)
    cosine = torch.tensor([0.3, 0.9], requires_grad=True)
    soft.of_cosines(cosine).sum().backward()
    assert cosine.grad[0] > 1 > 1e-3 > cosine.grad[1]  # beyond all references there is little left to gain


def test_impossible_rewards_are_refused(bridge):
    with pytest.raises(ValueError, match="unknown reward 'bleu'"):
        Reward("bleu", bridge)
    for name, references in (("refcompare", None), ("clip", torch.ones(2))):
        with pytest.raises(ValueError, match="refcompare needs"):
            Reward(name, bridge, references)
