import pytest

from altlib.evaluation.poor_alt_text import RULES, findings

POST = "We finally opened the new bakery on Mill Lane this morning, come and say hello!"


@pytest.mark.parametrize(
    "alt,rules",
    [
        ("", ["missing"]),
        ("  \n", ["missing"]),
        ("🎉🎉", ["no words"]),
        ("IMG_2041.jpg", ["file name", "too short"]),
        ("screenshot-2024-01-02", ["file name", "too short"]),
        ("Image", ["placeholder", "too short"]),
        ("Alt text goes here", ["placeholder"]),
        ("come and say hello", ["repeats the post"]),
        ("A loaf", ["too short"]),
        ("A loaf of bread on a shelf #bakery", ["address, account or hashtag"]),
        ("Photo of a loaf of bread on a shelf", ["leading phrase"]),
        ("a " * 600, ["too long"]),
        ("A loaf of bread on a wooden shelf behind the counter.", []),
    ],
)
def test_poor_alt_text_is_recognised_by_its_words(alt, rules):
    assert [f.rule for f in findings(alt, POST)] == rules


def test_every_rule_says_what_to_do():
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.level in ("error", "warning", "note") and rule.reason and rule.suggestion.endswith(".")


def test_rules_can_be_left_out():
    assert findings("A loaf", "", without=("too short",)) == []
