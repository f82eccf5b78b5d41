"""What is said of a model that is not on this machine."""

from altlib.core.model_names import offline_hint


def test_the_hint_names_the_model_the_cause_and_the_ways_out():
    clip = str(offline_hint("CLIP", "ViT-B-32/openai", OSError("no route\nlong traceback")))
    assert "create_model('ViT-B-32', pretrained='openai')" in clip and "(OSError: no route)" in clip
    language = str(offline_hint("language", "gpt2", OSError("x" * 1000)))
    assert "huggingface-cli download gpt2" in language and len(language) < 800
    assert all(hint.endswith("or set the parameter to 'miniature'.") for hint in (clip, language))
