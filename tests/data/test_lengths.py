"""Lengths of texts."""

from altlib.data import lengths


def test_tokens_are_counted_as_the_language_model_reads_them():
    from altlib.models.language import load_language_model

    texts = ["A mug, red.", "", "two  spaces\n\nand <script>", "wörld 👍🏽 #tag http://x.y"]
    tokenizer, _ = load_language_model()
    assert lengths.count_miniature_tokens(texts) == [len(ids) for ids in tokenizer(texts).input_ids]
