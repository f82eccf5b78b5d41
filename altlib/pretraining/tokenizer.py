"""The tokenizer that the miniature CLIP and GPT-2 share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TOKENIZER_STORIES = 8000  # stories whose documents it learns from
END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"


def train_tokenizer(documents: Iterator[str], vocabulary: int = 2048) -> Any:
    """A byte-level BPE tokenizer; padding is token 0 and the end of text has the largest id.

    open_clip pools the text at its largest token id, so that must be the end of text.

    Args:
        documents: What it learns from.
        vocabulary: Number of tokens.

    Raises:
        ValueError: There is too little text for the vocabulary.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        special_tokens=[PADDING],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(documents, trainer)
    tokenizer.add_special_tokens([END_OF_TEXT])
    if tokenizer.token_to_id(END_OF_TEXT) != vocabulary - 1:
        raise ValueError(f"too little text for a vocabulary of {vocabulary}")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TEXT,
        bos_token=END_OF_TEXT,
        pad_token=PADDING,
        clean_up_tokenization_spaces=False,
    )


def clip_tokenizer(tokenizer: Any) -> Any:
    """The same tokenizer, ending every text with the end of text, as open_clip expects."""
    from tokenizers import Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    inner.post_processor = processors.TemplateProcessing(
        single=f"$A {END_OF_TEXT}", special_tokens=[(END_OF_TEXT, inner.token_to_id(END_OF_TEXT))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=END_OF_TEXT, pad_token=PADDING, clean_up_tokenization_spaces=False
    )
