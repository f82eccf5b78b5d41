import csv
import html
import re

import pytest

from altlib.evaluation.study.comparisons import compare_systems
from altlib.evaluation.study.platforms import write_platforms


def test_both_platforms_get_pictures_texts_and_questions(posts, texts, tmp_path):
    hostile = {name: [f'"><img src=x onerror=alert(1)> {t}' for t in written] for name, written in texts.items()}
    study = compare_systems(posts, hostile, [("ours", "clipcap")], 12, 0).study
    files = write_platforms(study, tmp_path / "out", "https://example.org/study/")
    assert len(files.left_out) == 1 and len(list(files.pictures.glob("*.jpg"))) == 10
    turk, prolific = (list(csv.DictReader(f.open(newline=""))) for f in (files.turk_batch, files.prolific_dataset))
    assert len(turk) == len(prolific) == 10
    assert turk[0]["picture_url"] == f"https://example.org/study/{turk[0]['item_id']}.jpg"
    assert not any("<" in cell for row in turk for cell in row.values())
    assert html.unescape(turk[0]["text_a"]) == prolific[0]["text_a"]
    assert prolific[0]["META_item_id"] == turk[0]["item_id"] and "item_id" not in prolific[0]
    asked = set(re.findall(r"\$\{(\w+)\}", files.turk_template.read_text()))
    assert asked == {"picture_url", "post", "text_a", "text_b"}
    assert files.turk_template.read_text().count('type="radio"') == 6


def test_an_address_that_platforms_do_not_show_is_refused(posts, texts, tmp_path):
    study = compare_systems(posts, texts, [("ours", "clipcap")], 12, 0).study
    with pytest.raises(ValueError, match="must begin with https"):
        write_platforms(study, tmp_path, "pictures")
