import pytest

from altlib.core.errors import BackboneError
from altlib.data.cleaning import names


@pytest.mark.parametrize(
    "before,after",
    [
        ("Maria Garcia holding a cup", "person holding a cup"),
        ("A cup, with Mohammed Okafor.", "A cup, with person."),
        ("George W. Bush at a desk", "person at a desk"),
        ("Tom smiles", "person smiles"),
        ("Ravenscar summer fair, 6 June", "Ravenscar summer fair, 6 June"),
        ("Grace Church Hall", "Grace Church Hall"),
        ("Mark the date", "Mark the date"),
    ],
)
def test_the_gazetteer_replaces_names(before, after):
    assert names.replace_names([before, before], names.name_recogniser("gazetteer")) == [after, after]


def test_a_transformers_recogniser_is_pluggable(tmp_path, tokenizer):
    import torch
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label={0: "O", 1: "B-PER"},
        label2id={"O": 0, "B-PER": 1},
    )
    model = BertForTokenClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 5.0]))  # everything is a person
    model.save_pretrained(tmp_path)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, pad_token=tokenizer.pad_token
    ).save_pretrained(tmp_path)
    texts = names.replace_names(["cup", "red cup"], names.name_recogniser(str(tmp_path)))
    assert all("person" in text and "cup" not in text for text in texts)


def test_a_spacy_recogniser_is_pluggable(tmp_path):
    import spacy

    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}, {"label": "GPE", "pattern": "London"}])
    pipeline.to_disk(tmp_path / "pipeline")
    recogniser = names.name_recogniser(f"spacy:{tmp_path / 'pipeline'}")
    texts = ["Ada Lovelace in London", "", "Nobody here"]
    assert names.replace_names(texts, recogniser) == ["person in London", "", "Nobody here"]


def test_a_spacy_pipeline_that_is_not_there_says_how_to_get_it():
    with pytest.raises(BackboneError, match="python -m spacy download nobody_nothing"):
        names.name_recogniser("spacy:nobody_nothing")
    lacking = names.missing_spacy("nobody_nothing")
    assert lacking.startswith("the spaCy pipeline nobody_nothing is not on this machine")


def test_a_recogniser_that_is_not_there_says_what_to_download():
    with pytest.raises(BackboneError, match="nobody/nothing.*huggingface-cli download"):
        names.name_recogniser("nobody/nothing")
