import re

import pytest
import torch
from torch import nn

from altlib.core.errors import BackboneError
from altlib.models.image_text_parts import LANGUAGE_PARTS, VISION_PARTS, choose_what_learns, part_of
from tests.image_text_kinds import BUILDERS, tiny_kind


@pytest.mark.parametrize("kind", BUILDERS)
def test_parts_are_found_wherever_a_kind_has_them(kind):
    model, _ = tiny_kind(kind)
    language, vision = part_of(model, LANGUAGE_PARTS), part_of(model, VISION_PARTS)
    assert not set(map(id, language.parameters())) & set(map(id, vision.parameters()))
    assert sum(map(torch.numel, language.parameters())) > 1000 < sum(map(torch.numel, vision.parameters()))


PROJECTORS = {
    "paligemma": {"multi_modal_projector"},
    "gemma3": {"multi_modal_projector"},
    "smolvlm": {"connector"},
    "qwen3_vl": set(),  # its projectors are parts of the vision encoder
    "mllama": {"multi_modal_projector"},
    "florence2": {"multi_modal_projector"},
    "git": {"visual_projection"},
    "blip_2": {"query_tokens", "qformer", "language_projection"},
}


@pytest.mark.parametrize("trains_vision", [False, True])
@pytest.mark.parametrize("kind", BUILDERS)
def test_lora_the_projector_and_the_vision_encoder_learn(kind, trains_vision):
    model, _ = tiny_kind(kind)
    model.audio_tower = nn.Linear(2, 2)
    choose_what_learns(model, 2, trains_vision)
    language, vision = part_of(model, LANGUAGE_PARTS), part_of(model, VISION_PARTS)
    assert all(("lora" in name) == p.requires_grad for name, p in language.named_parameters())
    assert all(p.requires_grad == (trains_vision or "merger" in name) for name, p in vision.named_parameters())
    assert not any(p.requires_grad for p in model.audio_tower.parameters())
    within = {id(p) for part in (language, vision) for p in part.parameters()}
    beside = {name for name, p in model.named_parameters() if p.requires_grad and id(p) not in within}
    assert {re.split(r"\.", name.removeprefix("model.").removeprefix("git."))[0] for name in beside} == PROJECTORS[kind]


def test_a_vision_encoder_that_cannot_be_found_cannot_learn():
    model, _ = tiny_kind("git")
    del model.git.image_encoder
    with pytest.raises(
        BackboneError, match="GitForCausalLM cannot be trained here: it has no part called vision_tower"
    ):
        choose_what_learns(model, 2, True)
    choose_what_learns(model, 2, False)


def test_a_model_whose_language_model_has_another_name_cannot_learn():
    model, _ = tiny_kind("git")
    model.git.other = model.git.encoder
    del model.git.encoder
    with pytest.raises(
        BackboneError, match="GitForCausalLM cannot be trained here: it has no part called language_model"
    ):
        choose_what_learns(model, 2, False)
