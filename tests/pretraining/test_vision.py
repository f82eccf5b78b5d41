"""The vision tower that learns to name facts."""

import torch

from altlib.miniworld.render import render
from altlib.pretraining import vision
from altlib.pretraining.vision import FACTS, fact_classes, fact_values, naming_loss, scene_pixels, vision_scenes


def test_the_scenes_of_an_update_follow_from_its_number():
    assert vision_scenes(4, 3) == vision_scenes(4, 3)
    assert vision_scenes(4, 3)[:2] == vision_scenes(2, 6)
    assert not set(vision_scenes(4, 0)) & set(vision_scenes(4, 1))


def test_pixels_are_those_of_the_picture_from_minus_one_to_one():
    scenes = vision_scenes(2, 0)
    pixels = scene_pixels(scenes)
    assert pixels.shape == (2, 3, 96, 96) and pixels.min() >= -1 and pixels.max() <= 1
    red, green, blue = render(scenes[1]).getpixel((10, 70))
    assert ((pixels[1, :, 70, 10] + 1) * 127.5).round().tolist() == [red, green, blue]


def test_a_picture_has_only_the_facts_of_its_form():
    scenes = vision_scenes(400, 0)
    values = fact_values(scenes)
    assert set(values) == set(FACTS)
    for number, scene in enumerate(scenes):
        if scene.form == "photo":
            assert values["person_kind"][number] == (scene.person_kind or "none")
            assert values["count"][number] == str(scene.count)
        else:
            assert values["person_kind"][number] == "" and bool(values["trend"][number]) == (scene.form == "chart")


def test_naming_counts_hits_and_leaves_out_what_a_picture_does_not_have():
    targets = {"form": torch.tensor([0, 1]), "trend": torch.tensor([-100, 1]), "detail": torch.tensor([-100, -100])}
    heads = torch.nn.ModuleDict({fact: torch.nn.Linear(2, 2, bias=False) for fact in targets})
    for head in heads.values():
        torch.nn.init.eye_(head.weight)
    hits = {fact: [0, 0] for fact in targets}
    loss = naming_loss(torch.tensor([[9.0, 0.0], [9.0, 0.0]]), targets, heads, hits)
    assert hits == {"form": [1, 2], "trend": [0, 1], "detail": [0, 0]}
    wrong = torch.tensor(9.0).exp().add(1).log()
    right = wrong - 9
    assert torch.allclose(loss, (wrong + right) / 2 + wrong)


def test_the_tower_learns_and_goes_on_after_an_interruption(tmp_path, monkeypatch):
    import open_clip

    def tower():
        torch.manual_seed(0)
        config = open_clip.model.CLIPVisionCfg(image_size=96, layers=[1, 1, 1, 1], width=4)
        return open_clip.model._build_vision_tower(16, config)

    classes = fact_classes()
    monkeypatch.setattr(vision, "fact_classes", lambda: classes)
    whole, stopped, rows = tower(), tower(), []
    vision.pretrain_vision(whole, 3, batch=4)
    real = vision.vision_scenes

    def interrupted(batch, step):
        if step == 2:
            raise KeyboardInterrupt
        return real(batch, step)

    monkeypatch.setattr(vision, "vision_scenes", interrupted)
    monkeypatch.setattr("altlib.pretraining.checkpoint.SAVE_EVERY", 0)
    try:
        vision.pretrain_vision(stopped, 3, batch=4, file=tmp_path / "vision.pt")
    except KeyboardInterrupt:
        monkeypatch.setattr(vision, "vision_scenes", real)
    again = tower()
    vision.pretrain_vision(again, 3, batch=4, report=rows.append, file=tmp_path / "vision.pt")
    assert rows[-1]["step"] == 3 and set(rows[-1]) > {f"names_{fact}" for fact in FACTS}
    for name, value in whole.state_dict().items():
        assert torch.allclose(again.state_dict()[name].float(), value.float(), atol=1e-3), name
