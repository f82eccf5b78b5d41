"""The loop by itself, on a model of two numbers that learns a constant."""

import math

import pytest
import torch
from torch import nn

from altlib.training import loop
from altlib.training.loop import Plan, finished, fit

STEPS = 12


class Constant:
    """Learns a constant from noisy batches; ``scores`` may say beforehand how good each evaluation is."""

    def __init__(self, scores=None):
        self.name, self.facts = "constant", {"device": "cpu"}
        torch.manual_seed(0)
        self.module = nn.Linear(1, 1)
        self.scores = scores
        self.seen, self.saved, self.evaluated = [], [], []

    def batches(self, start):
        for step in range(start, STEPS):
            yield step, torch.randn(8, 1, generator=torch.Generator().manual_seed(step))

    def backward(self, batch):
        step, x = batch
        self.seen.append(step)
        loss = ((self.module(x) + 0.1 * torch.randn(8, 1) - 3) ** 2).sum()  # random numbers of the run itself
        (loss / 8).backward()
        return loss.item(), 8.0

    def evaluate(self, step, interval, curve):
        self.evaluated.append(self.module.bias.item())
        return {"step": step, "loss": interval.mean, "error": abs(self.module.bias.item() - 3)}

    def score(self, row):
        return -row["error"] if self.scores is None else self.scores[len(self.evaluated) - 1]

    def save(self, folder, row):
        folder.mkdir(exist_ok=True, parents=True)
        self.saved.append(row)


def plan(**changes) -> Plan:
    return Plan(**{"steps": STEPS, "evaluations": frozenset(range(0, STEPS + 1, 3))} | changes)


def run(learner, folder, key="k", **changes):
    torch.manual_seed(1)
    return fit(learner, torch.optim.Adam(learner.module.parameters(), 0.1), plan(**changes), folder, key)


@pytest.mark.parametrize("killed_at", [1, 4, 5, 11])
@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_a_killed_run_goes_on_exactly(tmp_path, monkeypatch, killed_at, schedule):
    undisturbed = Constant()
    expected = run(undisturbed, tmp_path / "a", schedule=schedule)
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    update, calls = loop.update, []

    def killed(*args):
        calls.append(1)
        if len(calls) > killed_at:
            raise KeyboardInterrupt
        return update(*args)

    monkeypatch.setattr(loop, "update", killed)
    with pytest.raises(KeyboardInterrupt):
        run(Constant(), tmp_path / "b", schedule=schedule)
    monkeypatch.setattr(loop, "update", update)
    resumed = Constant()
    kept = (tmp_path / "b" / loop.CHECKPOINT).is_file()
    torch.manual_seed(99 if kept else 1)  # a checkpoint brings its own random numbers along
    record = fit(
        resumed, torch.optim.Adam(resumed.module.parameters(), 0.1), plan(schedule=schedule), tmp_path / "b", "k"
    )
    assert str(record.curve) == str(expected.curve) and record.best == expected.best
    assert torch.equal(resumed.module.weight, undisturbed.module.weight)
    assert resumed.seen == list(range(STEPS - len(resumed.seen), STEPS))
    assert kept == (killed_at >= 2) == (len(resumed.seen) < STEPS)
    assert not (tmp_path / "b" / loop.CHECKPOINT).exists()


def test_a_checkpoint_with_another_key_is_not_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 1)
    first = Constant()
    with pytest.raises(ZeroDivisionError):
        first.evaluate = lambda *_: 1 / 0 if len(first.seen) == 6 else {"step": 0, "error": 1.0}
        run(first, tmp_path, "one")
    assert (tmp_path / loop.CHECKPOINT).is_file()
    again = Constant()
    run(again, tmp_path, "another")
    assert again.seen == list(range(STEPS))


def test_the_best_state_is_kept_and_the_model_ends_in_it(tmp_path):
    learner = Constant(scores=[0, 1, 5, 2, 3])
    record = run(learner, tmp_path)
    assert record.best == 2 and len(record.curve) == 5
    assert learner.module.bias.item() == learner.evaluated[2]
    assert learner.saved == [record.curve[2]] and not learner.module.training


@pytest.mark.parametrize(("patience", "evaluations"), [(1, 3), (2, 4), (0, 5)])
def test_patience_counts_evaluations_since_the_best(tmp_path, patience, evaluations):
    learner = Constant(scores=[0, 5, 1, 1, 1])
    assert len(run(learner, tmp_path, patience=patience).curve) == evaluations
    assert len(learner.seen) == 3 * (evaluations - 1)


def test_a_finished_run_is_found_by_its_key_alone(tmp_path):
    record = run(Constant(), tmp_path, "k")
    assert finished(tmp_path, "other") is None and finished(tmp_path / "nowhere", "k") is None
    found = finished(tmp_path, "k")
    assert found.best == record.best and len(found.frame()) == len(record.curve) and found.facts == {"device": "cpu"}


def test_a_loss_or_score_that_is_no_number_stops_the_run(tmp_path):
    learner = Constant()
    learner.module.bias.data.fill_(math.inf)
    with pytest.raises(ValueError, match="constant: the loss became inf; lower the learning rate"):
        run(learner, tmp_path, evaluations=frozenset([STEPS]))
    with pytest.raises(ValueError, match="after 3 updates gave .* which has no score"):
        run(Constant(scores=[0, math.nan]), tmp_path)


def test_gradients_are_clipped_to_their_norm(tmp_path):
    learner = Constant()
    before = torch.cat([p.detach().flatten().clone() for p in learner.module.parameters()])
    loop.update(learner, torch.optim.SGD(learner.module.parameters(), 1.0), next(learner.batches(0)), 0.25)
    after = torch.cat([p.detach().flatten() for p in learner.module.parameters()])
    assert (after - before).norm().item() == pytest.approx(0.25, rel=1e-4)


def test_the_mean_loss_of_an_interval_is_by_weight():
    assert loop.Interval(6.0, 4.0).mean == 1.5 and math.isnan(loop.Interval().mean)


def test_learning_rates_rise_first_and_then_stay_or_fall_to_zero():
    rates = {
        name: [plan(steps=10, schedule=name, warm_up=0.2).rate(s) for s in range(11)]
        for name in ("constant", "linear", "cosine")
    }
    for found in rates.values():
        assert found[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert set(rates["constant"][2:]) == {1.0}
    assert rates["linear"][6] == rates["cosine"][6] == pytest.approx(0.5)
    assert rates["linear"][10] == rates["cosine"][10] == pytest.approx(0)
    assert rates["cosine"][4] > rates["linear"][4] and rates["cosine"][8] < rates["linear"][8]
    assert plan(schedule="linear").rate(3) == 1 - 3 / STEPS  # without warm-up
