"""Runs over several seeds."""

import json
import shutil

import pytest

from altlib.runs.seeds import as_text, over_seeds, parse_seeds


def test_seeds():
    assert parse_seeds("0-2,7,1") == [0, 1, 2, 7]
    for bad in ("", "3-1", "a", "0-5000"):
        with pytest.raises(ValueError):
            parse_seeds(bad)


def test_several_seeds_are_run_apart_and_summarised(project, monkeypatch, capsys):
    from altlib.runs import seeds

    runs = []

    def one_run(parameter_file, settings, snakemake, root):
        run = next(s.removeprefix("run=") for s in settings if s.startswith("run="))
        seed = int(next(s.removeprefix("common.seed=") for s in settings if s.startswith("common.seed=")))
        runs.append((run, seed))
        write = root / "runs" / run / "results" / "scores.json"
        write.parent.mkdir(parents=True)
        write.write_text(json.dumps({"systems": {"ours": {"BLEU@4": {"value": 10.0 + seed, "low": 0, "high": 20}}}}))

    monkeypatch.setattr(seeds, "run_book", one_run)
    summary = json.loads(seeds.run_seeds(project / "p.yaml", [], [0, 1, 2], []).read_text())
    assert runs == [("r-seed0", 0), ("r-seed1", 1), ("r-seed2", 2)]
    found = summary["systems"]["ours"]["BLEU@4"]
    assert found["values"] == [10, 11, 12] and found["mean"] == 11 and found["low"] < 10 < 12 < found["high"]
    out = capsys.readouterr().out
    assert "11.00 ± 2.48 (3)" in out and "of the seeds [0, 1, 2]" in out
    runs.clear()
    shutil.rmtree(project / "runs")
    summary = json.loads(seeds.run_seeds(project / "p.yaml", [], [4], []).read_text())
    assert summary["systems"]["ours"]["BLEU@4"] == {"mean": 14, "low": None, "high": None, "values": [14], "seeds": [4]}


def test_a_system_that_some_seeds_lack_is_kept_with_the_seeds_that_its_mean_is_over():
    def score(**values):
        return {metric: {"value": value} for metric, value in values.items()}

    tables = {
        3: {"ours": score(BLEU=10.0, CIDEr=1.0)},
        5: {"ours": score(BLEU=12.0), "extra": score(BLEU=5.0)},
        7: {"ours": score(BLEU=14.0, CIDEr=float("nan")), "extra": score(BLEU=7.0)},
    }
    summary = over_seeds(tables)
    assert summary["ours"]["BLEU"]["mean"] == 12 and summary["ours"]["BLEU"]["seeds"] == [3, 5, 7]
    assert summary["ours"]["CIDEr"]["values"] == [1.0] and summary["ours"]["CIDEr"]["seeds"] == [3]
    assert summary["extra"]["BLEU"]["mean"] == 6 and summary["extra"]["BLEU"]["seeds"] == [5, 7]
    header, ours, extra = as_text(summary).splitlines()
    assert header.split() == ["system", "BLEU", "CIDEr"]
    assert ours.split() == ["ours", "12.00", "±", "4.97", "(3)", "1.00", "(1)"]
    assert extra.split() == ["extra", "6.00", "±", "12.71", "(2)", "–"]
