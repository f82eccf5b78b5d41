"""Stages of pretraining that go on after an interruption."""

import torch

from altlib.pretraining.checkpoint import Stage


def test_a_stage_goes_on_where_its_checkpoint_was_written(tmp_path):
    layer = torch.nn.Linear(2, 2)
    stage = Stage("text", {"model": layer}, tmp_path / "folder" / "text.pt", "key", step=7, extra={"share": 0.1})
    stage.rows.append({"step": 5, "loss": 0.5})
    stage.save(at_once=True)
    other = torch.nn.Linear(2, 2)
    again = Stage("text", {"model": other}, tmp_path / "folder" / "text.pt", "key")
    again.restore()
    assert again.step == 7 and again.rows == [{"step": 5, "loss": 0.5}] and again.extra == {"share": 0.1}
    assert torch.equal(other.weight, layer.weight)


def test_the_checkpoint_of_another_stage_or_of_other_inputs_is_not_read(tmp_path):
    layer = torch.nn.Linear(2, 2)
    Stage("text", {"model": layer}, tmp_path / "text.pt", "key", step=7).save(at_once=True)
    for name, key in (("vision", "key"), ("text", "another")):
        again = Stage(name, {"model": torch.nn.Linear(2, 2)}, tmp_path / "text.pt", key)
        again.restore()
        assert again.step == 0


def test_a_stage_without_a_file_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Stage("text", {"model": torch.nn.Linear(2, 2)}, None)
    stage.save(at_once=True)
    stage.restore()
    assert stage.step == 0 and not list(tmp_path.iterdir())


def test_checkpoints_are_minutes_apart(tmp_path):
    stage = Stage("text", {"model": torch.nn.Linear(2, 2)}, tmp_path / "text.pt")
    stage.save()
    assert not stage.file.exists()
    stage.saved -= 10_000
    stage.save()
    assert stage.file.exists()
