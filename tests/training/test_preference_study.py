import pandas as pd
import pytest

from altlib.data.comparisons import DPO_WEIGHTS, MCM_DPO_WEIGHTS
from altlib.generation.decoding import Decoding
from altlib.models.captioner import CaptionerConfig, build_captioner
from altlib.models.clip import load_clip
from altlib.models.policy import NegativeSettings
from altlib.training import preference_study
from altlib.training.paradigms import PARADIGMS
from altlib.training.preference import PreferenceSettings
from altlib.training.preference_losses import PreferenceLoss
from altlib.training.preference_study import (
    DPO,
    MCM_DPO,
    MORE_SFT,
    SFT,
    PreferenceStudy,
    ablation_plans,
    sampled_pairs,
    study_plans,
)

LOSS = PreferenceLoss(MCM_DPO_WEIGHTS, beta=0.2)


def test_every_objective_has_every_seed_in_the_first_paradigm_and_some_in_the_others():
    plans = study_plans(LOSS, [PARADIGMS["P1"], PARADIGMS["P4"]], range(3, 5), 1)
    assert [(p.objective, p.seed) for p in plans if p.paradigm.name == "P1"] == [
        (objective, seed) for objective in (SFT, MORE_SFT, DPO, MCM_DPO) for seed in (3, 4)
    ]
    assert [(p.objective, p.seed) for p in plans if p.paradigm.name == "P4"] == [(SFT, 3), (DPO, 3), (MCM_DPO, 3)]
    dpo = next(p for p in plans if p.objective == DPO)
    assert dpo.loss.weights == DPO_WEIGHTS and dpo.loss.beta == 0.2
    assert len({p.name for p in plans}) == len(plans)


def test_ablations_leave_out_each_comparison_in_turn():
    plans = ablation_plans(LOSS, PARADIGMS["P1"], 0)
    assert len(plans) == 8 and plans[-1].loss.anchor == 1.0
    for plan, name in zip(plans, MCM_DPO_WEIGHTS, strict=False):
        assert plan.objective == f"{MCM_DPO} without {name}" and name not in plan.loss.weights
    only = ablation_plans(PreferenceLoss({"response": 1.0}, anchor=0.5), PARADIGMS["P1"], 0)
    assert only == []


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    from PIL import Image

    run, clip = tmp_path_factory.mktemp("run"), load_clip()
    config = CaptionerConfig("miniature", clip.width, clip.fingerprint, prefix_length=2, max_tokens=20)
    build_captioner(config, 0).save(run / "captioners" / "text-image")
    rows = []
    for number in range(8):
        path = run / f"{number}.png"
        Image.effect_noise((40, 30), 60).convert("RGB").save(path)
        rows.append({"image": str(path), "text": f"Post {number}", "chosen": f"{number} red mugs", "rejected": "a mug"})
    pairs = pd.DataFrame(rows)
    settings = PreferenceSettings(None, epochs=1, batch_size=4, learning_rate=1e-3, evaluations=1)
    split = {"train": pairs[:6], "val": pairs[6:]}
    return PreferenceStudy(run, clip, split, NegativeSettings(), settings, settings, "cpu"), pairs


def test_paradigms_share_the_supervised_stage_and_are_read_back(study, monkeypatch):
    made, _ = study
    plans = study_plans(LOSS, [PARADIGMS["P2"], PARADIGMS["P3"]], [0], 1)
    curves = {plan.name: made.train(plan).frame() for plan in plans}
    assert made.folder(plans[0]) == made.supervised_folder(False, 0)
    first = {plan.system: curves[plan.name].iloc[0] for plan in plans}
    assert first["DPO, P2"]["best reward"] == pytest.approx(0, abs=1e-3)  # pixels and kept features agree
    assert first["DPO, P2"]["log p(chosen)"] == pytest.approx(curves[plans[0].name].iloc[-1]["log p(chosen)"], abs=1e-2)
    monkeypatch.setattr("altlib.training.preference.fit", lambda *a: pytest.fail("it was trained again"))
    assert made.train_all(plans).keys() == curves.keys()


def test_all_runs_write_as_each_writes_alone(study):
    made, pairs = study
    plans = study_plans(LOSS, [PARADIGMS["P1"]], [0], 1)[:2]
    made.train_all(plans)
    search = Decoding(beams=1, max_tokens=4)
    alone = {plan.name: made.captions(plan, pairs, search) for plan in plans}
    assert made.all_captions(plans, pairs, search) == alone


def test_runs_with_more_comparisons_come_first():
    plans = study_plans(LOSS, [PARADIGMS["P1"], PARADIGMS["P4"]], [0], 1)
    ordered = sorted(plans, key=preference_study.cost, reverse=True)
    assert [p.system for p in ordered[:2]] == [f"{MCM_DPO}, P4", f"{DPO}, P4"]
    assert ordered[3].system == f"{MCM_DPO}, P1"


def test_a_captioner_gives_pairs_of_its_own_texts(study):
    made, pairs = study
    posts = pairs.assign(
        item_id=[str(n) for n in range(8)], alt_text="a red cup on a table in the park, with a dog", split="train"
    )
    found = sampled_pairs(made.run, made.clip, posts, "cpu")
    assert 0 < len(found) <= 8 and len(found) + sum(found.excluded.values()) == 8
    assert (found.frame["chosen"] != found.frame["rejected"]).all()


def test_captions_and_attention_come_from_the_encoder_that_learned(study):
    made, pairs = study
    plans = study_plans(LOSS, [PARADIGMS["P3"]], [0], 1)
    for plan in plans:
        made.train(plan)
    posts = pairs.assign(alt_text=pairs["chosen"])
    decoding = Decoding(beams=1, max_tokens=5)
    assert len(made.captions(plans[-1], posts, decoding)) == 8
    policy = made.load(made.folder(plans[-1]))
    assert policy.vision is not None and not policy.trains_vision
    found = made.attention(plans[-1], posts, 0)
    assert set(found.log_likelihoods) == {"nothing", "picture", "post", "both"}
    assert preference_study.OBJECTIVES == (SFT, MORE_SFT, DPO, MCM_DPO)
