"""Findings as SARIF 2.1.0, the format in which tools of continuous integration read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from altlib import __version__
from altlib.evaluation.poor_alt_text import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(found: Iterable[tuple[str, int, str, Finding]]) -> dict[str, Any]:
    """A SARIF log.

    Args:
        found: File (relative, with slashes), line there (0 if it is not known), name of the picture there, and what
            was found.
    """
    results: list[dict[str, Any]] = []
    rules: dict[str, dict[str, Any]] = {}
    for place, line, name, finding in found:
        identifier = finding.rule.replace(" ", "-").replace(",", "")
        rules.setdefault(
            identifier,
            {
                "id": identifier,
                "shortDescription": {"text": finding.reason},
                "help": {"text": finding.suggestion},
                "defaultConfiguration": {"level": finding.level},
            },
        )
        location: dict[str, Any] = {"artifactLocation": {"uri": place}}
        if line:
            location["region"] = {"startLine": line}
        results.append(
            {
                "ruleId": identifier,
                "level": finding.level,
                "message": {"text": f"{finding.reason}. {finding.suggestion}"},
                "locations": [{"physicalLocation": location, "logicalLocations": [{"name": name}]}],
            }
        )
    driver = {"name": "altlib", "version": __version__, "rules": list(rules.values())}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
