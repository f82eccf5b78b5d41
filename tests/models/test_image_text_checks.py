import pytest
import torch
import transformers as t

from altlib.core.errors import BackboneError
from altlib.models.image_text_checks import apart
from altlib.models.image_text_policy import ImageTextPolicy, ImageTextSettings
from altlib.models.image_text_reader import ImageTextReader
from tests.image_text_kinds import tiny_kind
from tests.image_text_models import TEXT, tiny_llava, tiny_model

SETTINGS = ImageTextSettings(rank=2)


@pytest.mark.parametrize("masked", [None, float("-inf"), torch.finfo(torch.float32).min])
@pytest.mark.parametrize("scale", [1.0, 8.0])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_model_that_writes_by_other_probabilities_than_it_is_scored_by_is_refused(
    monkeypatch, scale, masked, precision
):
    monkeypatch.setattr("altlib.models.image_text_reader.PREFIX_ATTENTION", ())
    for module in ("policy", "image_text_checks"):
        monkeypatch.setattr(f"altlib.models.{module}.precision_of", lambda _: precision)
    model, processor = tiny_kind("paligemma")
    model.to(precision).get_output_embeddings().weight.data.mul_(scale)  # whether it is sure of what it writes or not
    if masked:
        model.get_output_embeddings().register_forward_hook(
            lambda layer, read, made: made.index_fill(-1, torch.tensor([5]), max(masked, torch.finfo(made.dtype).min))
        )
    with pytest.raises(BackboneError, match=r"it writes by other probabilities .* are 0\.\d\d of their spread apart"):
        ImageTextPolicy(model, processor, SETTINGS)


@pytest.mark.parametrize("kind", ["git", "gemma3", "florence2"])
def test_what_a_model_was_published_with_to_write_does_not_decide_whether_it_can_learn(kind):
    model, processor = tiny_kind(kind)
    model.generation_config.update(num_beams=3, num_return_sequences=3, do_sample=True, return_dict_in_generate=True)
    ImageTextPolicy(model, processor, SETTINGS)


@pytest.mark.parametrize("kind", ["git", "gemma3"])
def test_a_model_that_is_not_given_the_picture_is_refused(kind, monkeypatch):
    read = ImageTextReader.inputs

    def without_picture(reader, picture, prompt):
        inputs = read(reader, picture, prompt)
        del inputs["pixel_values"]
        return inputs

    monkeypatch.setattr(ImageTextReader, "inputs", without_picture)
    with pytest.raises(BackboneError, match="cannot be trained here: what it writes does not depend on the picture"):
        ImageTextPolicy(*tiny_kind(kind), SETTINGS)


def test_a_model_that_is_not_given_the_post_is_refused(monkeypatch):
    monkeypatch.setattr(ImageTextReader, "crop", lambda *_: "")
    with pytest.raises(BackboneError, match="cannot be trained here: what it writes does not depend on the post"):
        ImageTextPolicy(*tiny_kind("gemma3"), SETTINGS)


def test_a_model_that_is_broken_is_refused():
    model, processor = tiny_llava("llava")
    model.get_output_embeddings().weight.data[5] = float("nan")
    with pytest.raises(BackboneError, match="are nan of their spread apart"):
        ImageTextPolicy(model, processor, SETTINGS)


def test_words_that_are_impossible_in_one_computation_alone_are_no_rounding():
    one = torch.randn(2, 9).log_softmax(-1)
    masked = one.index_fill(1, torch.tensor([3]), float("-inf"))
    assert apart(one, one) == 0 == apart(masked, masked) and apart(one, masked) == float("inf")
    other = one.clone()
    other[1] += torch.linspace(-1, 1, 9)  # in one place alone
    assert apart(one, other) == pytest.approx(float((one - other)[1].abs().mean() / one[1].std()))


def test_a_first_example_that_cannot_be_read_is_a_reason_to_refuse(monkeypatch):
    model, processor = tiny_kind("git")

    def fails(**_):
        raise ValueError("no prompt, please")

    monkeypatch.setattr(model, "generate", fails)
    with pytest.raises(BackboneError, match=r"GitForCausalLM cannot .* a first example failed: no prompt, please"):
        ImageTextPolicy(model, processor, SETTINGS)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), RuntimeError("MPS backend out of memory")])
def test_a_lack_of_memory_is_no_reason_to_refuse(monkeypatch, error):
    model, processor = tiny_kind("git")

    def fails(**_):
        raise error

    monkeypatch.setattr(model, "generate", fails)
    with pytest.raises(type(error), match=str(error)):
        ImageTextPolicy(model, processor, SETTINGS)


def test_a_language_model_that_attends_to_the_last_tokens_only_reads_each_response_alone():
    _, processor = tiny_llava("llava")
    config = tiny_llava("llava")[0].config
    config.text_config = t.MistralConfig(vocab_size=len(processor.tokenizer), sliding_window=64, **TEXT)
    torch.manual_seed(0)
    model = t.LlavaForConditionalGeneration(config).eval()
    assert not ImageTextPolicy(model, processor, SETTINGS).shares_prompts


def test_prompts_are_not_shared_where_that_would_change_scores(monkeypatch):
    monkeypatch.setattr(
        "altlib.models.image_text_policy.tree_log_probabilities", lambda *_: torch.zeros(4, requires_grad=True)
    )
    assert not ImageTextPolicy(*tiny_llava("llava"), SETTINGS).shares_prompts


def test_a_model_that_prefers_the_pictures_place_above_all_words_writes_words(picture):
    model, processor = tiny_model("qwen2_vl")
    head = model.get_output_embeddings()
    head.bias = torch.nn.Parameter(torch.zeros(head.out_features))
    head.bias.data[model.config.image_token_id] = 100.0
    policy = ImageTextPolicy(model, processor, ImageTextSettings(rank=2)).eval()
    assert all(policy.write([str(picture("a.png"))], ["Brew day!"], beams=1, max_tokens=5))
