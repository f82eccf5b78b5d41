"""Language models by their names and folders."""

import pytest

from altlib.core.errors import BackboneError
from altlib.models.language import load_language_model


def test_a_language_model_that_is_not_there_says_what_to_download():
    with pytest.raises(BackboneError, match="huggingface-cli download gpt2-nowhere"):
        load_language_model("gpt2-nowhere")
