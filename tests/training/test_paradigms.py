import pytest

from altlib.training.paradigms import PARADIGMS, chosen_paradigms


def test_the_four_paradigms_are_all_ways_of_training_the_vision_encoder_in_two_stages():
    stages = {name: (p.in_sft, p.in_preference) for name, p in PARADIGMS.items()}
    assert stages == {"P1": (False, False), "P2": (False, True), "P3": (True, False), "P4": (True, True)}


def test_a_paradigm_says_what_is_done_with_features():
    assert "encoded again in every step; in preference optimisation it is frozen" in PARADIGMS["P3"].in_words


def test_paradigms_are_chosen_by_name():
    assert [p.name for p in chosen_paradigms("P1, P4")] == ["P1", "P4"]
    for wrong in ("P5", ""):
        with pytest.raises(ValueError, match="is none of P1, P2, P3, P4"):
            chosen_paradigms(wrong)
