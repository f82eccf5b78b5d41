"""The tokenizer that the miniature models share."""

import pytest

from altlib.pretraining.tokenizer import END_OF_TEXT, clip_tokenizer, train_tokenizer

TEXTS = ["Two growlers on a red cloth.", "naïve café 👍🏽", "A map of the town"]


def test_every_text_comes_back_and_clip_reads_its_end_as_the_largest_token():
    tokenizer = train_tokenizer(iter(TEXTS * 20), vocabulary=300)
    assert tokenizer.pad_token_id == 0 and tokenizer.eos_token_id == 299
    assert [tokenizer.decode(ids) for ids in tokenizer(TEXTS).input_ids] == TEXTS
    ids = clip_tokenizer(tokenizer)(TEXTS).input_ids
    assert all(row[-1] == max(row) == tokenizer.convert_tokens_to_ids(END_OF_TEXT) for row in ids)


def test_too_little_text_is_an_error():
    with pytest.raises(ValueError, match="too little text for a vocabulary of 4000"):
        train_tokenizer(iter(TEXTS), vocabulary=4000)
