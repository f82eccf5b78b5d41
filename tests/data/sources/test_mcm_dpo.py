import json

import pytest

from altlib.core.errors import CorpusError
from altlib.data.sources.registry import collect


def test_the_preference_data_of_mcm_dpo_is_read(tmp_path, picture):
    picture("i/a.png")
    question = "Write alt text.\nContext: Brew day at last!"
    told = {"question": question, "chosen": "Two growlers.", "rejected": "A picture."}
    training = [{"image": {"path": "i/a.png"}, "idx": 7, "text": json.dumps(told)}, {"idx": 8}]
    (tmp_path / "train.json").write_text(json.dumps(training))
    (tmp_path / "test.json").write_text(
        json.dumps({"image_path": "i/a.png", "idx": 9, "question": question, "chosen": "Beer."}) + "\n{broken\n"
    )
    for name, chosen in (("train.json", "Two growlers."), ("test.json", "Beer.")):
        posts, unreadable = collect("mcm-dpo", tmp_path, path=str(tmp_path / name))
        assert posts.loc[0, ["text", "alt_text"]].tolist() == ["Brew day at last!", chosen]
        assert len(unreadable) == 1
    (tmp_path / "cut.json").write_text(json.dumps(training)[:40])
    with pytest.raises(CorpusError, match="not a complete JSON list"):
        collect("mcm-dpo", tmp_path, path=str(tmp_path / "cut.json"))
