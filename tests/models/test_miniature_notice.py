"""What is said where miniature models see real pictures."""

from altlib.checkpoints.miniature import MINIATURE
from altlib.models.miniature_notice import miniature_notice


def test_the_notice_is_given_for_miniature_models_alone():
    assert "meaningless" in miniature_notice("ViT-B-32", MINIATURE)
    assert miniature_notice("ViT-B-32", "gpt2") == miniature_notice() == ""
