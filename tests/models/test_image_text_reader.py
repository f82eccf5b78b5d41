import pytest
import tokenizers
import torch
from PIL import Image

from altlib.models.image_text_model import conversation
from altlib.models.image_text_reader import ImageTextReader, told_of_tokens
from tests.image_text_kinds import BUILDERS, tiny_kind
from tests.image_text_models import tiny_model

GREY = Image.new("RGB", (40, 40), "grey")


def reader_of(kind: str, max_tokens: int = 20) -> ImageTextReader:
    made = tiny_kind(kind) if kind in BUILDERS else tiny_model(kind)
    return ImageTextReader(*made, "What is seen?\n", max_tokens)


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [
        ("llava", "<image>\nWhat is seen?"),
        ("gemma3", "<start_of_image>\nWhat is seen?"),
        ("mllama", "<|image|>\nWhat is seen?"),
        ("paligemma", "What is seen?"),
        ("blip_2", "What is seen?"),
        ("florence2", "What is seen?"),
        ("git", "What is seen?"),
        ("qwen3_vl", "<|vision_start|><|image_pad|><|vision_end|>What is seen?"),
    ],
)
def test_a_prompt_has_a_place_for_the_picture_where_the_processor_gives_it_none(kind, beginning):
    reader = reader_of(kind)
    line = "" if kind == "paligemma" else "\n"  # its processor ends the line
    assert reader.prompt("Brew day!") == f"{beginning}\nBrew day!{line}"
    ids = reader.inputs(GREY, reader.prompt("Brew day!"))["input_ids"][0].tolist()
    assert reader.image_token is None or reader.image_token in ids
    special = reader.processor.tokenizer.all_special_ids
    text = reader.processor.tokenizer.decode([token for token in ids if token not in special])
    assert text.endswith("Brew day!\n") and not text.endswith("\n\n")


def test_a_prompt_to_which_a_response_is_added_does_not_end_before_it():
    reader = reader_of("git")
    inputs = reader.inputs(GREY, reader.prompt("Brew day!"))
    assert int(inputs["input_ids"][0, -1]) != reader.end
    assert inputs["attention_mask"].shape == inputs["input_ids"].shape
    beside = reader_of("florence2")  # its prompt is read by an encoder
    assert int(beside.inputs(GREY, beside.prompt("Brew day!"))["input_ids"][0, -1]) == beside.end


def test_responses_begin_and_end_as_the_model_writes_them():
    tokenizer = reader_of("llava").processor.tokenizer
    ids = tokenizer("A mug.", add_special_tokens=False).input_ids
    assert reader_of("llava").response("A mug.") == [*ids, tokenizer.eos_token_id]
    beside = reader_of("florence2")
    assert beside.response("A mug.") == [*ids, beside.end]
    assert beside.begin == [beside.end, beside.processor.tokenizer.bos_token_id]  # which its decoder begins with
    assert reader_of("git").response("A mug.") == [*ids, reader_of("git").processor.tokenizer.sep_token_id]


@pytest.mark.parametrize(("kind", "expected"), [("paligemma", [0, 1, 1]), ("gemma3", [0, 0, 0])])
def test_kinds_of_tokens_go_on_as_the_model_knows_them(kind, expected):
    reader = reader_of(kind)
    inputs = reader.inputs(GREY, reader.prompt("Brew day!"))
    longer = reader.continued(inputs, torch.tensor([[5, 6]]))
    assert longer["token_type_ids"][0, -3:].tolist() == expected
    assert longer["input_ids"][0, -2:].tolist() == [5, 6] and longer["attention_mask"][0, -2:].tolist() == [1, 1]
    assert longer["pixel_values"] is inputs["pixel_values"]


def test_a_response_sees_the_picture_as_the_end_of_the_prompt_does():
    reader = reader_of("mllama")
    inputs = reader.inputs(GREY, reader.prompt("Brew day!"))
    assert "cross_attention_mask" in told_of_tokens(inputs) and "aspect_ratio_ids" not in told_of_tokens(inputs)
    longer = reader.continued(inputs, torch.tensor([[5, 6]]))["cross_attention_mask"]
    assert torch.equal(longer[:, -1], inputs["cross_attention_mask"][:, -1]) and longer[:, -1].any()
    assert longer.shape[1] == inputs["input_ids"].shape[1] + 2


def test_the_prompt_is_no_part_of_what_was_written():
    reader = reader_of("llava")
    inputs = reader.inputs(GREY, reader.prompt("Brew day!"))
    said = torch.tensor(reader.response("A mug."))
    assert reader.written(inputs, torch.cat([inputs["input_ids"][0], said])) == "A mug."
    assert reader.written(inputs, said) == "A mug."


@pytest.mark.parametrize(("stops", "told"), [([3, 7], [3, 7, 2047]), (3, [3, 2047]), (None, [2047]), ([3, 2047], None)])
def test_all_that_ends_a_text_ends_what_is_written(stops, told):
    model, processor = tiny_model("llava")
    model.generation_config.eos_token_id = stops
    assert processor.tokenizer.eos_token_id == 2047
    assert ImageTextReader(model, processor, "", 5).telling.get("eos_token_id") == told


SPOKEN = (  # Idefics3's
    "{% for m in messages %}{{ m['role'].capitalize() }}:{% for c in m['content'] %}"
    "{{ '<image>' if c['type'] == 'image' else ' ' + c['text'] }}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)


def test_a_response_begins_as_a_template_begins_what_the_model_says():
    model, processor = tiny_model("idefics3")
    processor.chat_template = SPOKEN
    reader = ImageTextReader(model, processor, "", 20)
    tokens = processor.tokenizer(" A mug.", add_special_tokens=False).input_ids
    assert reader.response("A mug.")[:-1] == tokens
    spoken = processor.tokenizer(conversation(processor, "?", "A mug."), add_special_tokens=False).input_ids
    asked = processor.tokenizer(conversation(processor, "?"), add_special_tokens=False).input_ids
    assert spoken[: len(asked)] == asked and spoken[len(asked) :][: len(tokens)] == tokens


def test_a_post_that_names_a_task_is_only_a_text():
    reader = reader_of("florence2")
    assert "task" not in reader.crop("<OCR> this, please") and "<OCR>" not in reader.prompt("<OCR> this, please")
    reader.inputs(GREY, reader.prompt("<OCR>"))


TURNS = (
    "{{ bos_token }}{% for m in messages %}{% for c in m['content'] %}"
    "{{ image if c['type'] == 'image' else c['text'] }}{% endfor %}<|turn|>\n{% endfor %}"
)


def test_a_conversation_begins_once_and_ends_as_its_template_ends_a_turn():
    model, processor = tiny_kind("gemma3")
    tokenizer = processor.tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|turn|>"]}, replace_extra_special_tokens=False)
    turn = tokenizer.convert_tokens_to_ids("<|turn|>")
    tokenizer.backend_tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", tokenizer.bos_token_id)]
    )
    processor.chat_template = TURNS.replace("image if", "'<start_of_image>' if")
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, turn]
    reader = ImageTextReader(model, processor, "What is seen?\n", 20)
    ids = reader.inputs(GREY, reader.prompt("Brew day!"))["input_ids"][0].tolist()
    assert ids[0] == tokenizer.bos_token_id != ids[1]
    assert reader.end == turn and "eos_token_id" not in reader.telling
    assert reader.after_picture(reader.prompt("Brew day!")).count(tokenizer.bos_token_id) == 1


def test_an_end_that_a_template_writes_stays():
    model, processor = tiny_kind("git")
    processor.chat_template = "<|pad|>{{ messages[0]['content'][1]['text'] }}<|sep|>"
    processor.tokenizer.bos_token = "<|pad|>"
    reader = ImageTextReader(model, processor, "", 20)
    assert int(reader.inputs(GREY, reader.prompt("Brew day!"))["input_ids"][0, -1]) == reader.end


def test_texts_are_cropped_and_have_no_special_tokens():
    reader = reader_of("llava", max_tokens=3)
    assert len(reader.response("word " * 50)) == 4
    assert reader.image_token not in reader.response("<image><image>")
    assert reader.crop("") == ""


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("llava", ["<image>"]),
        ("qwen2_vl", ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]),
        ("git", []),
    ],
)
def test_a_model_writes_no_token_in_a_pictures_place(kind, places):
    reader = reader_of(kind)
    ids = sorted(reader.processor.tokenizer.convert_tokens_to_ids(places))
    assert reader.telling.get("suppress_tokens", []) == ids


def test_tokens_that_a_model_was_published_not_to_write_are_not_written():
    model, processor = tiny_model("llava")
    model.generation_config.suppress_tokens = [7]
    reader = ImageTextReader(model, processor, "", 5)
    assert reader.telling["suppress_tokens"] == [7, reader.image_token]


def test_the_pictures_own_place_is_not_written_whatever_its_configuration_calls_it(monkeypatch):
    model, processor = tiny_model("llava")
    config = type(model.config)
    monkeypatch.setattr(config, "attribute_map", {**config.attribute_map, "image_token_id": "patch"}, raising=False)
    monkeypatch.setattr(config, "to_dict", lambda self: {"patch": self.patch})
    model.config.patch = model.config.__dict__.get("image_token_id", model.config.__dict__.get("image_token_index"))
    reader = ImageTextReader(model, processor, "", 5)
    assert reader.telling["suppress_tokens"] == [reader.image_token]
