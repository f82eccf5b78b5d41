import dataclasses
import json
import re

import pandas as pd
import pytest
import torch

from altlib.core.cache_keys import Key
from altlib.core.errors import BackboneError
from altlib.data.comparisons import DPO_WEIGHTS, MCM_DPO_WEIGHTS, combinations
from altlib.data.negatives import kept_signal
from altlib.models.image_text_parts import LANGUAGE_PARTS, VISION_PARTS, part_of
from altlib.models.image_text_policy import ImageTextPolicy, ImageTextSettings, load_image_text_policy
from altlib.models.policy import NegativeSettings, autocast
from altlib.training.preference import PreferenceSettings, train_policy
from altlib.training.preference_losses import PreferenceLoss
from tests.conftest import ROOT
from tests.image_text_kinds import BUILDERS, tiny_kind
from tests.image_text_models import tiny_llava, tiny_model

WANTED = combinations(MCM_DPO_WEIGHTS)
KINDS = ("llava", "llava-next", "qwen2_vl", "qwen2_5_vl", "idefics3")
ALL_KINDS = (*KINDS, *BUILDERS)


@pytest.fixture
def pairs(picture):
    images = [str(picture(f"{n}.png", size=size)) for n, size in enumerate([(40, 30), (30, 60), (32, 32)])]
    return pd.DataFrame(
        {
            "image": images,
            "text": ["Brew day!", "", "Seen at the quay at Whitby and the shop."],
            "chosen": ["Two growlers on a red cloth.", "A mug.", "A tall ship at sea."],
            "rejected": ["Three growlers.", "A picture.", "A ship."],
        }
    )


def policy_of(kind: str, trains_vision: bool = False, **settings) -> ImageTextPolicy:
    made = tiny_kind(kind) if kind in BUILDERS else tiny_model(kind)
    return ImageTextPolicy(*made, ImageTextSettings(rank=2, **settings), trains_vision).eval()


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_kind_is_scored_by_what_it_writes_by_and_learns_and_writes(kind, pairs):
    policy = policy_of(kind, trains_vision=True)
    prepared = policy.prepare(pairs, NegativeSettings())
    (inputs,) = policy.read(prepared.pictures, 0, True, prepared.prompts[:1])
    with torch.no_grad():
        told = {"min_new_tokens": 6, "max_new_tokens": 6, "do_sample": False, "output_logits": True}
        out = policy.model.generate(**inputs, **told, **policy.reader.telling, return_dict_in_generate=True)
        forced = len(policy.reader.begin[1:])
        said = out.sequences[0, -6 + forced :]
        written = torch.cat(out.logits[forced:]).log_softmax(-1).gather(1, said[:, None]).sum()
        prepared.responses[True][0] = said.tolist()
        found = policy.log_probabilities(prepared, [0], WANTED)
    assert float(found[0, 0]) == pytest.approx(float(written), abs=1e-3)
    assert len(found[0].unique()) == 8  # post, picture and response each make a difference
    policy.train().log_probabilities(prepared, [0], WANTED[:2]).sum().backward()
    learned = {name for name, p in policy.model.named_parameters() if p.grad is not None and p.grad.any()}
    assert any("lora" in name for name in learned)
    assert any(p.grad is not None and p.grad.any() for p in part_of(policy.model, VISION_PARTS).parameters())
    language = part_of(policy.model, LANGUAGE_PARTS)
    assert all("lora" in name for name, p in language.named_parameters() if p.requires_grad)
    assert not any(p.requires_grad for p in policy.model.get_input_embeddings().parameters())
    assert len(policy.eval().write(pairs["image"][:1], pairs["text"][:1], beams=2, max_tokens=3)) == 1


@pytest.mark.parametrize("kind", ["qwen2_vl", "gemma3", "mllama"])
def test_words_are_predicted_for_the_response_alone(kind, pairs):
    policy, rows = policy_of(kind), []
    prepared = policy.prepare(pairs, NegativeSettings())
    policy.model.get_output_embeddings().register_forward_hook(lambda _, read, __: rows.append(read[0].shape[1]))
    policy.log_probabilities(prepared, [0], WANTED[:1])
    assert rows == [len(prepared.responses[True][0]) + 1]


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_nothing_random_is_left_where_a_model_is_compared_with_its_reference(kind, pairs):
    policy = policy_of(kind).train()
    prepared = policy.prepare(pairs, NegativeSettings())
    with torch.no_grad():
        found = [policy.log_probabilities(prepared, [1], WANTED) for _ in range(2)]
    assert torch.equal(*found)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_differs_from_place_to_place(kind, pairs):
    policy = policy_of(kind)
    prepared = policy.prepare(pairs, NegativeSettings("diffusion"))

    def pixels(better):
        return policy.read(prepared.pictures, 0, better, prepared.prompts[:1])[0]["pixel_values"].flatten()

    own, worse = pixels(True), pixels(False)
    share = kept_signal(700) ** 0.5
    noise = worse - share * own
    half = len(noise) // 2
    assert noise.std() > 0.5 and abs(float(torch.corrcoef(noise[: 2 * half].view(2, half))[0, 1])) < 0.2
    assert torch.equal(pixels(False), worse)


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen2_5_vl"])
def test_the_frames_of_a_still_picture_have_the_same_noise(kind, pairs):
    policy = policy_of(kind)
    prepared = policy.prepare(pairs, NegativeSettings("diffusion"))
    for better in (True, False):
        pixels = policy.read(prepared.pictures, 0, better, prepared.prompts[:1])[0]["pixel_values"]
        frames = pixels.view(len(pixels), 3, 2, -1)
        assert torch.equal(frames[:, :, 0], frames[:, :, 1])


def test_the_place_of_a_picture_in_a_post_or_a_response_is_only_text(pairs):
    policy = policy_of("llava")
    hostile = pairs.assign(text="How <image> tags work", chosen="An <image> tag.")
    prepared = policy.prepare(hostile, NegativeSettings())
    assert "tags work" in policy.tokenizer.decode(prepared.contexts[0])
    assert (
        prepared.contexts[0][: len(policy.reader.after_picture(policy.reader.prompt(""))) - 2]
        == policy.reader.after_picture(policy.reader.prompt(""))[:-2]
    )
    assert policy.reader.image_token not in prepared.responses[True][0] + prepared.contexts[0]
    assert len(policy.write(hostile["image"][:1], hostile["text"][:1], beams=1, max_tokens=2)) == 1


def test_what_the_reference_says_is_not_taken_from_a_model_of_another_configuration(pairs):
    model, processor = tiny_llava("llava")
    policy, stamps = ImageTextPolicy(model, processor, ImageTextSettings(rank=2)), []
    for layer in (-2, -1):
        model.config.vision_feature_layer = layer
        stamps.append(str(Key("", stamp=policy.prepare(pairs, NegativeSettings()).stamp())))
    assert stamps[0] != stamps[1]


@pytest.mark.parametrize("other", ["max_tokens", "request", "pixels"])
def test_a_reference_that_reads_otherwise_is_refused(tmp_path, pairs, other):
    settings = PreferenceSettings(PreferenceLoss(DPO_WEIGHTS), epochs=1)
    policy, reference = (
        policy_of("llava", **{"pixels": {}, "max_tokens": {"max_tokens": 2}}.get(other, {"request": "?"})),
        policy_of("llava"),
    )
    if other == "pixels":
        reference.processor.image_processor.image_mean = [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="reads other texts or pictures than the model that learns"):
        train_policy(policy, pairs, pairs, NegativeSettings(), settings, tmp_path / "dpo", "dpo", reference)


def test_posts_that_are_the_same_as_they_are_cropped_are_no_worse_posts(tmp_path, pairs):
    policy = policy_of("llava", max_tokens=1)
    same = pairs.assign(text=["Brew day!", "Brew time!", "Brew more!"])
    settings = PreferenceSettings(PreferenceLoss(MCM_DPO_WEIGHTS), epochs=1)
    with pytest.raises(ValueError, match="the same post as the model reads it, so a worse context changes nothing"):
        train_policy(policy, same, same, NegativeSettings(), settings, tmp_path / "dpo", "dpo")


@pytest.mark.parametrize("kind", ["llava", "llava-next"])
@pytest.mark.parametrize("negative", ["diffusion", "other"])
def test_shared_prompts_give_what_the_model_says_of_each_response_alone(kind, negative, pairs):
    policy = policy_of(kind)
    assert policy.shares_prompts
    prepared = policy.prepare(pairs, NegativeSettings(negative))
    with torch.no_grad():
        shared = policy.log_probabilities(prepared, [2, 0], WANTED)
        policy.shares_prompts = False
        alone = policy.log_probabilities(prepared, [2, 0], WANTED)
    assert torch.allclose(shared, alone, atol=1e-3) and shared.shape == (2, 8)
    assert len(shared[0].unique()) == 8  # post, picture and response each make a difference


@pytest.mark.parametrize("kind", ["llava", "llava-next"])
def test_the_tokens_of_the_picture_stay_whole_however_few_tokens_a_text_may_have(kind, pairs):
    long = pairs.assign(text="word " * 500, chosen="word " * 500)
    for max_tokens in (1, 7):
        policy = policy_of(kind, max_tokens=max_tokens)
        prepared = policy.prepare(long, NegativeSettings())
        (inputs,) = policy.read(prepared.pictures, 0, True, prepared.prompts[:1])
        pixels = {name: value for name, value in inputs.items() if name not in ("input_ids", "attention_mask")}
        features = policy.model.get_image_features(**pixels).pooler_output
        assert inputs["input_ids"].tolist()[0].count(policy.reader.image_token) == sum(map(len, features)) >= 16
        assert len(prepared.responses[True][0]) == max_tokens + 1  # and the end
        empty = policy.reader.after_picture(policy.reader.prompt(""))
        assert (
            len(prepared.contexts[0]) <= len(empty) + max_tokens
            and policy.reader.image_token not in prepared.contexts[0]
        )
        changed = dict(inputs, pixel_values=pixels["pixel_values"] + 1)
        with torch.no_grad():
            seen, other = (policy.score_alone(read, [5, policy.reader.end]) for read in (inputs, changed))
        assert abs(float(seen - other)) > 1e-4


@pytest.mark.parametrize("trains_vision", [False, True])
def test_what_learns_is_lora_and_the_projector_and_the_vision_encoder_if_it_is_asked_for(trains_vision, pairs):
    policy = policy_of("llava", trains_vision)
    learned = {name for name, p in policy.model.named_parameters() if p.requires_grad}
    assert any("multi_modal_projector" in name for name in learned)
    assert all("lora" in name for name in learned if "language_model" in name)
    assert any("vision_tower" in name for name in learned) == trains_vision
    assert not any("lm_head" in name for name in learned)
    policy.log_probabilities(policy.prepare(pairs, NegativeSettings()), [0], WANTED[:2]).sum().backward()
    unused = {n for n, p in policy.model.named_parameters() if p.requires_grad and p.grad is None}
    assert not any("projector" in name or "lora" in name for name in unused)


def test_what_was_learned_is_put_back(tmp_path, pairs):
    policy = policy_of("llava")
    with torch.no_grad():
        for p in policy.parameters():
            if p.requires_grad:
                p.add_(0.1)
    policy.save(tmp_path)
    again = policy_of("llava")
    prepared = policy.prepare(pairs, NegativeSettings())
    with torch.no_grad():
        before, learned = (x.log_probabilities(prepared, [0], WANTED[:1]) for x in (again, policy))
        again.restore(tmp_path)
        after = again.log_probabilities(prepared, [0], WANTED[:1])
    assert torch.equal(after, learned) and not torch.allclose(before, after)
    with pytest.raises(BackboneError, match="does not fit"):
        policy_of("llava", max_tokens=3).restore(tmp_path)
    with pytest.raises(BackboneError, match="no trained image-text-to-text model"):
        again.restore(tmp_path / "nowhere")


def test_a_folder_that_is_loaded_gives_the_same_scores(tmp_path, pairs):
    model, processor = tiny_llava("llava")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    policy = load_image_text_policy(str(tmp_path), ImageTextSettings(rank=2), False)
    prepared = policy.prepare(pairs, NegativeSettings())
    own = policy_of("llava")
    with torch.no_grad():
        found, expected = (p.log_probabilities(prepared, [1], WANTED[:2]) for p in (policy, own))
    assert torch.allclose(found, expected, atol=1e-4)
    with pytest.raises(BackboneError):
        load_image_text_policy(str(tmp_path / "nothing"), ImageTextSettings(), False)


def test_the_example_of_chapter_08_trains_and_writes(tmp_path, picture, monkeypatch):
    page = json.loads((ROOT / "book" / "08-preference-optimisation.ipynb").read_text("utf-8"))
    (code,) = re.findall(r"```python\n(.*?)```", "".join("".join(cell["source"]) for cell in page["cells"]), re.DOTALL)
    model, processor = tiny_llava("llava")
    model.save_pretrained(tmp_path / "llava")
    processor.save_pretrained(tmp_path / "llava")
    told = {"question": "Write alt text.\nContext: Brew day!", "chosen": "Two growlers.", "rejected": "A picture."}
    for n in range(12):
        picture(f"MCM-DPO/data/twitter/image/twitter_train/{n}.jpg")
    posts = [{"question": f"Write alt text.\nContext: Brew day {n}!"} for n in range(12)]
    rows = [{"image": {"path": f"{n}.jpg"}, "idx": n, "text": json.dumps(told | posts[n])} for n in range(12)]
    (tmp_path / "MCM-DPO/data/twitter/twitter_train.json").write_text(json.dumps(rows))
    monkeypatch.chdir(tmp_path)
    for usual, here in {"llava-hf/llava-v1.6-vicuna-7b-hf": "llava", '"cuda"': '"cpu"'}.items():
        assert usual in code
        code = code.replace(usual, here)
    found = {}
    exec(code, found)  # twice: the second time what was learned is read back
    again = {}
    exec(code, again)
    assert len(found["texts"]) == min(5, len(found["split"]["val"])) > 1 and again["texts"] == found["texts"]
    states = [dict(each["policy"].named_parameters()) for each in (found, again)]
    assert all(torch.equal(p, states[1][name]) for name, p in states[0].items())
    fresh = dict(load_image_text_policy("llava", ImageTextSettings(), False).named_parameters())
    assert any(not torch.equal(p, states[1][name]) for name, p in fresh.items())
    assert (tmp_path / "runs/llava/mcm-dpo/learned.safetensors").is_file()


@pytest.mark.parametrize("kind", ["llava", "llava-next"])
@pytest.mark.parametrize("trains_vision", [False, True])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_model_that_was_published_in_half_precision_learns_and_writes(
    tmp_path, pairs, monkeypatch, precision, trains_vision, kind
):
    model, processor = tiny_llava(kind)
    model.half().save_pretrained(tmp_path / "llava")
    processor.save_pretrained(tmp_path / "llava")
    for module in ("image_text_model", "policy"):
        monkeypatch.setattr(f"altlib.models.{module}.mixed_precision", lambda *_: precision)
    policy = load_image_text_policy(str(tmp_path / "llava"), ImageTextSettings(rank=2), trains_vision)
    assert {p.dtype for p in policy.parameters() if not p.requires_grad} == {precision}
    assert {b.dtype for b in policy.model.model.language_model.buffers() if b.is_floating_point()} == {torch.float32}
    before = {name: p.clone() for name, p in policy.named_parameters() if p.requires_grad}
    settings = PreferenceSettings(None, epochs=3, batch_size=2, learning_rate=1e-6, schedule="constant", warm_up=0.0)
    train_policy(policy, pairs, pairs[:2], NegativeSettings(), settings, tmp_path / "sft", "sft")
    learned = {name: p for name, p in policy.named_parameters() if p.requires_grad}
    assert all(p.dtype == torch.float32 and torch.isfinite(p).all() for p in learned.values())
    assert all(not torch.equal(p, before[name]) for name, p in learned.items() if "projector" in name)
    assert len(policy.write(pairs["image"], pairs["text"], beams=2, max_tokens=4)) == 3


def test_a_model_in_a_number_type_that_is_not_computed_with_is_refused():
    model, processor = tiny_llava("llava")
    with pytest.raises(BackboneError, match="weights are float16, but it computes in float32 on cpu"):
        ImageTextPolicy(model.half(), processor, ImageTextSettings(rank=2))


@pytest.mark.parametrize("trains_vision", [False, True])
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_kind_learns_and_writes_in_half_precision(kind, trains_vision, pairs, monkeypatch):
    for module in ("policy", "image_text_checks"):
        monkeypatch.setattr(f"altlib.models.{module}.precision_of", lambda _: torch.bfloat16)
    made = tiny_kind(kind) if kind in BUILDERS else tiny_model(kind)
    made[0].bfloat16()
    policy = ImageTextPolicy(*made, ImageTextSettings(rank=2), trains_vision)
    with autocast(policy):
        policy.log_probabilities(policy.prepare(pairs, NegativeSettings()), [0], WANTED[:2]).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in policy.parameters() if p.grad is not None)
    assert len(policy.write(pairs["image"][:1], pairs["text"][:1], beams=2, max_tokens=3)) == 1


@pytest.mark.parametrize("kind", ["git", "gemma3", "florence2"])
def test_activations_of_every_kind_can_be_computed_again(kind, pairs):
    found = []
    for again in (False, True):
        policy = policy_of(kind).train()
        if again:
            policy.recompute_activations()
        policy.log_probabilities(policy.prepare(pairs, NegativeSettings()), [0], WANTED[:2]).sum().backward()
        found.append(torch.cat([p.grad.flatten() for p in policy.parameters() if p.grad is not None]))
    torch.testing.assert_close(*found)


class NormOverBatch(torch.nn.BatchNorm1d):
    def forward(self, states):
        return super().forward(states.transpose(1, 2)).transpose(1, 2)


def test_batch_normalisation_keeps_to_its_statistics(pairs):
    model, processor = tiny_kind("git")
    model.git.image_encoder.vision_model.post_layernorm = NormOverBatch(32)
    policy = ImageTextPolicy(model, processor, ImageTextSettings(rank=2))
    prepared = policy.prepare(pairs, NegativeSettings())
    with torch.no_grad():
        found = [policy.train(mode).log_probabilities(prepared, [0], WANTED) for mode in (True, False)]
    assert torch.equal(*found)


def test_the_stamp_of_pairs_knows_what_a_decoder_begins_with(pairs):
    stamps = []
    for begin in (5, 6):
        model, processor = tiny_kind("florence2")
        model.generation_config.forced_bos_token_id = begin
        prepared = ImageTextPolicy(model, processor, ImageTextSettings(rank=2)).prepare(pairs, NegativeSettings())
        stamps.append(str(Key("", stamp=prepared.stamp())))
    assert stamps[0] != stamps[1]


@pytest.mark.parametrize("blocks", [True, False])
def test_gradients_are_the_same_where_activations_are_computed_again(pairs, blocks):
    found = []
    torch.backends.cuda.enable_flash_sdp(blocks)
    for again in (False, True):
        policy = policy_of("llava").train()
        if again:
            policy.recompute_activations()
        ran = []
        policy.model.model.language_model.layers[0].self_attn.register_forward_hook(lambda *_, ran=ran: ran.append(1))
        policy.log_probabilities(policy.prepare(pairs, NegativeSettings()), [0, 2], WANTED).sum().backward()
        found.append(torch.cat([p.grad.flatten() for p in policy.parameters() if p.grad is not None]))
        assert len(ran) == 1 + again
    torch.testing.assert_close(*found)


def test_attention_over_the_tokens_of_pictures_is_computed_in_blocks(pairs):
    policy, seen = policy_of("llava"), []
    policy.model.model.language_model.register_forward_hook(
        lambda *_: seen.append(torch.backends.cuda.flash_sdp_enabled())
    )
    torch.backends.cuda.enable_flash_sdp(False)
    policy.log_probabilities(policy.prepare(pairs, NegativeSettings()), [0], WANTED[:2])
    policy.write(pairs["image"][:1], pairs["text"][:1], beams=1, max_tokens=2)
    assert len(seen) > 1 and all(seen) and not torch.backends.cuda.flash_sdp_enabled()


def test_the_stamp_of_pairs_changes_with_everything_that_decides_how_they_are_read(pairs, picture):
    def stamp(policy, pairs=pairs, **negatives):
        return str(Key("", stamp=policy.prepare(pairs, NegativeSettings(**negatives)).stamp()))

    usual = policy_of("llava")
    stamps = [
        stamp(usual),
        stamp(policy_of("llava", request="What is this?\n")),
        stamp(policy_of("llava", max_tokens=3)),
    ]
    for field in dataclasses.fields(NegativeSettings):
        stamps.append(stamp(usual, **{field.name: {"picture": "black"}.get(field.name, 5)}))
    stamps += [stamp(usual, pairs.assign(**{name: pairs[name] + " Yes."})) for name in ("text", "chosen", "rejected")]
    stamps.append(stamp(usual, pairs.assign(image=str(picture("other.png")))))
    for part, name, value in (
        (usual.processor.image_processor, "image_mean", [0.1, 0.2, 0.9]),
        (usual.processor, "patch_size", 4),
    ):
        before = getattr(part, name)
        setattr(part, name, value)
        stamps.append(stamp(usual))
        setattr(part, name, before)
    assert len(set(stamps)) == len(stamps)
    assert stamp(usual) == stamps[0] == stamp(policy_of("llava"))
