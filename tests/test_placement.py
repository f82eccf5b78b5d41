"""Every computation stays on the device of its model, shown with a pretended accelerator."""

import copy
from dataclasses import replace

import pytest
import torch

from altlib.analysis import attribution, deembedding
from altlib.evaluation import clip_scores, transfer
from altlib.generation.decoding import Decoding, decode
from altlib.generation.reranking import clip_text_similarity
from altlib.models.clip import load_clip
from altlib.models.description_clip import DescriptionClip, TuningSettings
from altlib.models.features import picture_features
from altlib.models.interventions import RotatedSubspace, Site
from altlib.models.text_tower import TextTower
from altlib.models.triplets import Triplets
from altlib.training.captions import CaptionLearner, TrainingSettings, example_losses
from altlib.training.description_tuning import DescriptionLearner, Measurement
from altlib.training.examples import encode_posts
from altlib.training.loop import update
from tests.device_spy import DEVICE, MixedDevicesError, pretended_device

TEXTS = ["a red cup", "two dogs run on the beach", "a map of Whitby", "tea"]


@pytest.fixture(scope="module")
def clip():
    return load_clip()


@pytest.fixture
def on_device(clip):
    """The miniature CLIP on the pretended device, which exists within the test."""
    with pretended_device():
        yield replace(clip, model=copy.deepcopy(clip.model).to(DEVICE))


def test_the_pretended_device_finds_a_tensor_that_was_left_behind():
    with pretended_device():
        there, here = torch.ones(3, device=DEVICE), torch.ones(3)
        assert there.device == DEVICE and (there + there).device == DEVICE and here.device.type == "cpu"
        assert (there.cpu() + here).device.type == "cpu"
        assert there[torch.tensor([0, 1])].device == DEVICE
        assert torch.zeros_like(there).device == there.new_zeros(2).device == DEVICE
        for mixed in (lambda: there + here, lambda: torch.cat([there, here]), lambda: here[there.long()], there.numpy):
            with pytest.raises(MixedDevicesError):
                mixed()


def test_a_captioner_trains_and_decodes_on_its_device(captioner, features, posts):
    with pretended_device():
        captioner.to(DEVICE)
        data = encode_posts(captioner, features, posts, [f"A boat, number {n}" for n in range(len(posts))])

        class Alone:
            process_index, num_processes = 0, 1

            def backward(self, loss):
                loss.backward()

            def reduce(self, total, how):
                return total

            def prepare_model(self, model):
                return model

            def no_sync(self, model):
                return torch.enable_grad()

        settings = TrainingSettings(batch_size=4, micro_batch=2)
        learner = CaptionLearner(captioner, data, data, settings, Alone(), torch.float32, "x")
        optimiser = torch.optim.Adam(captioner.parameters(), lr=1e-3, fused=True)
        captioner.train()
        update(learner, optimiser, [0, 1, 2, 3], 1.0)
        captioner.eval()
        assert example_losses(captioner, data, 3, torch.float32).device.type == "cpu"
        for beams in (1, 3):
            assert all(decode(captioner, features, posts, Decoding(beams=beams, max_tokens=6)))
        prefix, embedding = captioner.prefix(features).detach(), captioner.embedding.weight.detach()
        allowed = torch.ones(len(embedding), dtype=torch.bool)
        assert deembedding.nearest_tokens(prefix, embedding, allowed=allowed).ids.device.type == "cpu"
        assert deembedding.cloud_distances(prefix, embedding[:50])["prefix"].shape == prefix.shape[:2]


def triplets_for(clip):
    features = torch.nn.functional.normalize(torch.randn(4, clip.width), dim=-1)
    return Triplets(features, clip.tokenize(TEXTS), clip.tokenize(TEXTS[::-1]), torch.arange(4).numpy())


@pytest.mark.parametrize(("objective", "tuning"), [("behavioural", "full"), ("iit-das", "lora"), ("joint", "lora")])
def test_clip_is_tuned_and_scored_on_its_device(on_device, objective, tuning, picture):
    settings = TuningSettings(objective, tuning, layer=2, subspace=8, rank=4, batch_size=4, steps=1)
    data = triplets_for(on_device)
    tuned = DescriptionClip(on_device, settings)
    learner = DescriptionLearner(tuned, on_device, data, lambda model: Measurement(0, {}))
    optimiser = torch.optim.Adam(tuned.learned().values(), lr=1e-4)
    for batch in learner.batches(0):
        update(learner, optimiser, batch)
    assert 0 <= clip_scores.accuracy_of(tuned, data, on_device) <= 1
    scores = clip_scores.tuned_scores(tuned, on_device, [str(picture("a.png"))] * 2, TEXTS[:2])
    assert scores.shape == (2,) and scores.device.type == "cpu"


def test_the_base_model_is_scored_on_its_device(on_device, picture):
    """Features, CLIPScore, preference, zero-shot transfer and reranking."""
    pictures = [str(picture(f"{n}.png", size=(30 + n, 40))) for n in range(4)]
    found = picture_features(pictures, on_device)
    assert found.device.type == "cpu"
    assert clip_scores.base_scores(on_device, pictures, TEXTS).shape == (4,)
    assert 0 <= clip_scores.base_accuracy(on_device, triplets_for(on_device)) <= 1
    reports, targets = torch.tensor([True, False, True, False]), torch.arange(4)
    task = transfer.TransferTask("t", TEXTS, found, targets, reports, lambda chosen: torch.zeros(len(chosen), 3, 8, 8))
    labels = {"t": transfer.label_tokens(task, on_device)}
    assert 0 <= transfer.evaluate_tasks([task], labels, transfer.base_encoder(on_device), True)["t"] <= 1
    assert clip_text_similarity(TEXTS, [TEXTS] * 4, on_device)(0, TEXTS[0]) == pytest.approx(1, abs=1e-4)


def test_attributions_are_computed_on_the_model_s_device(on_device):
    tokens, tower = on_device.tokenize(TEXTS), TextTower(on_device.model)
    images = torch.nn.functional.normalize(torch.randn(4, on_device.width), dim=-1)
    subspace = RotatedSubspace(tower.width, 8).to(DEVICE)
    by_path = attribution.mediated_attributions(tower, tokens, images, 0, Site(2, 8), subspace, steps=3)
    assert all(a.values.device.type == a.difference.device.type == "cpu" for a in by_path.values())
