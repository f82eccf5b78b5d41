"""Facts that captions state, by system."""

import json

from altlib.miniworld import stated_facts


def test_stated_facts_are_counted_by_system():
    facts = json.dumps(
        [
            {"fact": f, "value": v, "visible": True, "said": False}
            for f, v in (("colour", "red"), ("place", "Hartby Row"))
        ]
    )
    table = stated_facts.stated_facts(
        {"a": ["A red cup at Hartby Row", "nothing"], "b": ["a blue cup", "x"]}, [facts, ""]
    )
    assert table.set_index("system").to_dict("index") == {
        "a": {"colour": 100.0, "place": 100.0},
        "b": {"colour": 0.0, "place": 0.0},
    }
    assert stated_facts.stated_facts({"a": ["x"]}, [""]).empty
