import copy
import dataclasses

import pandas as pd
import pytest
import torch

from altlib.data.comparisons import DPO_WEIGHTS, MCM_DPO_WEIGHTS
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.models.captioner_policy import CaptionerPolicy, load_captioner_policy
from altlib.models.clip import load_clip
from altlib.models.policy import NegativeSettings
from altlib.training import loop, preference
from altlib.training.preference import PreferenceSettings, train_policy
from altlib.training.preference_losses import PreferenceLoss
from tests.conftest import small_gpt2

RIGHT = ["a red mug", "a blue mug", "a tall ship", "two growlers"]
WRONG = ["a mug", "a cup", "a picture", "three growlers"]
MCM_DPO = PreferenceSettings(
    PreferenceLoss(MCM_DPO_WEIGHTS), epochs=2, batch_size=3, learning_rate=3e-3, schedule="constant", evaluations=2
)


@pytest.fixture(scope="module")
def clip():
    return load_clip()


@pytest.fixture
def pairs(picture):
    rows = [
        {"image": str(picture(f"{n}.png")), "text": f"Post {n}", "chosen": RIGHT[n % 4], "rejected": WRONG[n % 4]}
        for n in range(8)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def policy(clip, tokenizer):
    def make(trains_vision: bool = False, **changes):
        torch.manual_seed(1)
        config = CaptionerConfig("random", clip.width, clip.fingerprint, prefix_length=2, max_tokens=20, **changes)
        return CaptionerPolicy(PrefixCaptioner(config, tokenizer, small_gpt2(tokenizer)), clip, trains_vision)

    return make


def run(policy, pairs, folder, settings=MCM_DPO, **options):
    return train_policy(policy, pairs[:6], pairs[6:], NegativeSettings(), settings, folder, "test", **options)


@pytest.mark.parametrize("trains_vision", [False, True])
def test_rewards_start_at_zero_and_the_chosen_response_gains(policy, pairs, tmp_path, trains_vision):
    curve = run(policy(trains_vision), pairs, tmp_path / "run").frame()
    first, last = curve.iloc[0], curve.iloc[-1]
    assert curve["step"].tolist() == [0, 2, 4]
    assert first["best reward"] == first["margin: response"] == 0
    assert last["margin: response"] > 0.1 and last["accuracy: response"] == 1
    assert last["margin: all three"] > 0


def test_dpo_reads_two_combinations_and_supervised_fine_tuning_one(policy, pairs, tmp_path, monkeypatch):
    seen = []
    real = CaptionerPolicy.log_probabilities
    monkeypatch.setattr(
        CaptionerPolicy,
        "log_probabilities",
        lambda self, prepared, rows, wanted: (
            (torch.is_grad_enabled() and seen.append(len(wanted))) or real(self, prepared, rows, wanted)
        ),
    )
    dpo = dataclasses.replace(MCM_DPO, loss=PreferenceLoss(DPO_WEIGHTS))
    for settings, count in ((dpo, 2), (dataclasses.replace(MCM_DPO, loss=None), 1)):
        seen.clear()
        run(policy(), pairs, tmp_path / str(count), settings)
        assert set(seen) == {count} and len(seen) == 4


def test_supervised_fine_tuning_makes_the_chosen_responses_likelier(policy, pairs, tmp_path):
    curve = run(policy(), pairs, tmp_path / "run", dataclasses.replace(MCM_DPO, loss=None)).frame()
    assert curve["log p(chosen)"].iloc[-1] > curve["log p(chosen)"].iloc[0] + 1


def test_micro_batches_change_nothing(policy, pairs, tmp_path):
    curves = [
        run(policy(), pairs, tmp_path / str(size), dataclasses.replace(MCM_DPO, micro_batch=size)).frame()
        for size in (0, 2)
    ]
    columns = ["loss", "best reward", "margin: response"]
    assert (curves[0][columns].fillna(0) - curves[1][columns].fillna(0)).abs().max().max() < 1e-2


@pytest.mark.parametrize("killed_at", [1, 3])
def test_a_killed_stage_resumes_with_equal_results(policy, pairs, tmp_path, monkeypatch, killed_at):
    undisturbed = run(policy(), pairs, tmp_path / "undisturbed")
    monkeypatch.setattr(loop, "SAVE_EVERY", 1)
    steps = 0
    real = loop.update

    def killed(*args):
        nonlocal steps
        if steps == killed_at:
            raise KeyboardInterrupt
        steps += 1
        return real(*args)

    monkeypatch.setattr(loop, "update", killed)
    with pytest.raises(KeyboardInterrupt):
        run(policy(), pairs, tmp_path / "killed")
    monkeypatch.setattr(loop, "update", real)
    resumed = run(policy(), pairs, tmp_path / "killed")
    drop = ["seconds"]
    pd.testing.assert_frame_equal(resumed.frame().drop(columns=drop), undisturbed.frame().drop(columns=drop))


def test_a_finished_run_is_read_back_and_the_reference_is_computed_once(policy, pairs, tmp_path, clip, monkeypatch):
    learned = policy()
    first = run(learned, pairs, tmp_path / "run")
    computed = []
    monkeypatch.setattr(preference, "reference_log_probabilities", lambda *a: computed.append(a))
    monkeypatch.setattr(preference, "fit", lambda *a: pytest.fail("it was trained again"))
    again = run(policy(), pairs, tmp_path / "run")
    pd.testing.assert_frame_equal(again.frame(), first.frame())
    assert not computed
    kept = load_captioner_policy(tmp_path / "run", clip)
    assert all(torch.equal(a, b) for a, b in zip(kept.parameters(), learned.parameters(), strict=True))


def test_the_key_of_a_run_changes_with_everything_that_chooses_its_result(policy, pairs, tmp_path, monkeypatch):
    loss, other_form = MCM_DPO.loss, {"weights": DPO_WEIGHTS, "beta": 0.2, "form": "ipo", "anchor": 1.0}
    other_run = {field.name: 7 for field in dataclasses.fields(PreferenceSettings) if field.name != "loss"}
    assert set(other_form) == {field.name for field in dataclasses.fields(PreferenceLoss)}
    nudged, frozen, reference = policy(), policy(), policy()
    with torch.no_grad():
        next(nudged.parameters()).add_(1e-3)
        next(reference.parameters()).add_(1e-3)
    next(frozen.parameters()).requires_grad_(False)
    texts = [pairs.assign(**{name: pairs[name] + "!"}) for name in ("text", "chosen", "rejected")]
    changes = [
        *({"settings": dataclasses.replace(MCM_DPO, **{name: value})} for name, value in other_run.items()),
        *({"settings": dataclasses.replace(MCM_DPO, loss=dataclasses.replace(loss, **{name: value}))} for name, value in other_form.items()),
        {"settings": dataclasses.replace(MCM_DPO, loss=None)},
        *({"policy": other} for other in (nudged, frozen, policy(trains_vision=True))),
        {"reference": reference},
        *({split: other} for split in ("training", "validation") for other in (*texts, pairs[::-1])),
        *({"negatives": NegativeSettings(**{name: value})} for name, value in {"picture": "black", "step": 5, "seed": 1}.items()),
    ]  # fmt: skip

    def key(policy, reference, settings, training, validation, negatives):
        found = []
        monkeypatch.setattr(preference, "fit", lambda *given: found.append(given[-1]))
        policy = copy.deepcopy(policy)  # dropout is silenced in it
        train_policy(
            policy, training[:6], validation[6:], negatives, settings, tmp_path / "a" / "b", "test", reference=reference
        )
        return found[0]

    usual = {"settings": MCM_DPO, "training": pairs, "validation": pairs, "negatives": NegativeSettings()}
    usual |= {"policy": policy(), "reference": policy()}
    keys = [key(**usual | change) for change in [{}, *changes]]
    assert key(**usual) == keys[0] and len(set(keys)) == len(keys)
    monkeypatch.setattr(preference, "CODE", "another")
    assert key(**usual) not in keys


def test_what_is_impossible_is_refused_before_the_run(policy, pairs, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(ValueError, match="1 training and 2 validation pairs"):
        train_policy(policy(), pairs[:1], pairs[6:], NegativeSettings(), MCM_DPO, folder, "test")
    with pytest.raises(ValueError, match="does not see the picture"):
        run(policy(uses_image=False), pairs, folder)
    other = policy()
    other.captioner.tokenizer = type("Tokenizer", (), {"get_vocab": lambda self: {"a": 0}})()
    with pytest.raises(ValueError, match="another vocabulary"):
        run(policy(), pairs, folder, reference=other)
    assert not folder.exists() and not (tmp_path / "reference").exists()


def test_a_policy_that_starts_as_its_reference_is_not_scored_before_the_first_update(
    policy, pairs, tmp_path, monkeypatch
):
    scored, score = [], preference.reference_log_probabilities
    monkeypatch.setattr(
        preference, "reference_log_probabilities", lambda *given: scored.append(given[0]) or score(*given)
    )
    run(policy(), pairs, tmp_path / "own")
    assert len(scored) == 4  # the reference on both kinds of pairs, and the policy after two and after four updates
    scored.clear()
    other = policy()
    torch.nn.init.normal_(other.captioner.embedding.weight)
    curve = run(policy(), pairs, tmp_path / "other", reference=other).frame()
    assert len(scored) == 5
    assert curve["best reward"][0] != 0


def test_another_model_may_be_the_reference(policy, pairs, tmp_path):
    other = policy()
    torch.nn.init.normal_(other.captioner.embedding.weight)
    first = run(policy(), pairs, tmp_path / "run", reference=other.eval()).frame().iloc[0]
    assert abs(first["best reward"]) > 1e-3
