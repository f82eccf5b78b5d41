"""Findings in the format of continuous integration."""

from altlib.evaluation.poor_alt_text import findings
from altlib.evaluation.sarif import sarif


def test_each_rule_stands_once_and_each_finding_with_its_place():
    (first, *_), (second, *_) = findings("image", ""), findings("IMG_1234.jpg", "")
    log = sarif([("a.md", 3, "cup", first), ("b.md", 0, "dog", first), ("b.md", 9, "cat", second)])
    (run,) = log["runs"]
    assert log["version"] == "2.1.0" and len(run["results"]) == 3
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {result["ruleId"] for result in run["results"]}
    assert len(run["tool"]["driver"]["rules"]) == 2
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[0]["region"] == {"startLine": 3} and "region" not in places[1]
    assert run["results"][0]["message"]["text"] == f"{first.reason}. {first.suggestion}"
    assert run["results"][2]["locations"][0]["logicalLocations"] == [{"name": "cat"}]


def test_without_findings_the_log_is_empty_but_valid():
    (run,) = sarif([])["runs"]
    assert run["results"] == [] == run["tool"]["driver"]["rules"] and run["tool"]["driver"]["name"] == "altlib"
