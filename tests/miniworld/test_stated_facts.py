"""Facts that captions state, by system."""

import json

from altlib.miniworld import stated_facts


def test_stated_facts_are_counted_by_system():
    facts = json.dumps(
        [
            {"fact": f, "value": v, "visible": True, "said": False}
            for f, v in (("form", "photo"), ("thing", "cup"), ("count", "two"), ("place_name", "Hartby"))
        ]
    )
    table = stated_facts.stated_facts({"a": ["Two cups in Hartby", "nothing"], "b": ["a cup", "x"]}, [facts, ""])
    assert table.set_index("system").to_dict("index") == {
        "a": {"thing": 100.0, "count": 100.0, "place_name": 100.0},
        "b": {"thing": 100.0, "count": 0.0, "place_name": 0.0},
    }
    assert stated_facts.stated_facts({"a": ["x"]}, [""]).empty
