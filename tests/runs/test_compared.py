"""What runs were made from, and where they differ."""

import pytest

from altlib.core import measured
from altlib.core.errors import RunError
from altlib.core.files import write_json
from altlib.runs import compared
from altlib.runs.compared import chapter_differences, parameter_differences, read_groups, read_run
from tests.finished_runs import finished_run


@pytest.fixture
def runs(tmp_path):
    first = finished_run(tmp_path / "first")
    second = finished_run(tmp_path / "second", parameters={"epochs": 5, "depth": 2}, library="c" * 64)
    write_json(second / "captioners" / "curves.json", {"ours": [0.5]})
    return first, second


def test_parameters_that_differ_are_listed_with_the_value_of_each_run(runs):
    groups = read_groups(runs)
    assert parameter_differences(groups) == [("training", "epochs", ["3", "5"]), ("training", "depth", ["–", "2"])]


def test_a_chapter_names_the_parameters_code_and_files_that_differ(runs):
    found = {c.chapter: c for c in chapter_differences(*map(read_run, runs))}
    assert found["collection"].reasons == []
    assert found["training"].reasons == ["parameters: depth, epochs", "code of the library"]
    assert found["results-and-decoding"].reasons == ["files: captioners/curves.json"]
    assert (found["training"].started, found["training"].seconds) == ("2026-11-25T17:41:03+00:00", 17.8)


def test_a_chapter_that_has_not_run_says_so(runs):
    (runs[1] / "records" / "02-training.json").unlink()
    (runs[1] / "results" / "captions.parquet").unlink()
    run = read_run(runs[1])
    assert "training" not in run.records and run.captions is None
    assert {c.chapter: c.started for c in chapter_differences(read_run(runs[0]), run)}["training"] == ""


def test_versions_and_hardware_are_shown_where_they_differ(runs):
    record = {"commit": "abc", "versions": {"torch": "2.16.0"}, "hardware": {"cores": 2, "system": "Linux"}}
    write_json(runs[1] / "run.json", record)
    found = compared.machine_differences(read_groups(runs))
    assert found == [("version of torch", ["2.15.0", "2.16.0"]), ("system", ["–", "Linux"])]


def test_numbers_that_chapters_measured_are_shown_where_they_differ(runs):
    for run, errors in zip(runs, (0.25, 0.5), strict=True):
        numbers = {
            ("captioner", "errors"): measured.of_seeds([errors, errors + 0.1]),
            ("corpus", "posts"): measured.counted(140),
        }
        measured.write_measured(run / "results" / "measured" / "08-preference.parquet", numbers)
    ((*name, values),) = compared.measured_numbers(read_groups(runs))
    assert name == ["08-preference", "captioner", "errors"]
    half = 12.7062 * 0.05  # Student's t with one degree of freedom times the standard error
    assert values == [f"{mean:.4g} [{mean - half:.4g}, {mean + half:.4g}]" for mean in (0.3, 0.55)]
    (runs[0] / "results" / "measured" / "08-preference.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match="is not a file of measured numbers"):
        compared.measured_numbers(read_groups(runs))


def test_too_few_runs_and_the_same_run_twice_are_refused(runs):
    with pytest.raises(RunError, match="there is one run alone; name two or more"):
        read_groups(runs[:1])
    with pytest.raises(RunError, match="first is named twice"):
        read_groups([runs[0], runs[1], runs[0].parent / "second" / ".." / "first"])


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("parameters.json", None, "parameters.json is missing. Is it the folder of a run"),
        ("plan/training.json", "{", "plan/training.json is not valid JSON, it may be cut off"),
        ("run.json", "[]", "run.json holds something else than an object"),
        ("plan/plan.json", "{}", "plan/plan.json lacks 'chapters'"),
        ("results/captions.parquet", "PAR1", "results/captions.parquet cannot be read .* it may be cut off"),
        ("results/scores.json", "", "results/scores.json is not valid JSON"),
    ],
)
def test_a_broken_run_is_named_with_its_file(runs, file, content, message):
    path = runs[1] / file
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(RunError, match=f"second cannot be compared: {message}"):
        read_groups(runs)


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(RunError, match="none is not a folder; give the folders of runs"):
        read_run(tmp_path / "none")


def seeded(root, name, lengths):
    """A summary over seeds and its runs, whose only score is the length of the first caption."""
    for seed, length in enumerate(lengths):
        finished_run(root / f"{name}-seed{seed}", {"Ours": ["x" * length, "", "", ""]})
    write_json(root / f"{name}-seeds.json", {"seeds": list(range(len(lengths))), "systems": {}})
    return root / f"{name}-seeds.json"


def test_runs_over_seeds_are_compared_seed_by_seed(tmp_path):
    groups = read_groups([seeded(tmp_path, "a", [10, 20]), seeded(tmp_path, "b", [12, 22, 30])])
    assert [group.name for group in groups] == ["a (2 seeds)", "b (3 seeds)"]
    ((system, metric, means, differences),) = compared.across_seeds(groups)
    assert (system, metric) == ("Ours", "BLEU@4")
    assert means[0].startswith("15.00 ±") and means[1].startswith("21.33 ±")
    assert differences[0].startswith("2.00")  # of the seeds that both have
    assert compared.across_seeds(read_groups([tmp_path / "a-seed0", tmp_path / "b-seed0"])) == []


def test_a_summary_without_its_runs_is_named(tmp_path):
    summary = seeded(tmp_path, "a", [10])
    write_json(summary, {"seeds": [0, 7]})
    with pytest.raises(RunError, match="a-seed7 is not a folder"):
        read_groups([summary, tmp_path / "a-seed0"])
    write_json(summary, {"systems": {}})
    with pytest.raises(RunError, match="a-seeds.json lacks the list of seeds"):
        read_groups([summary, tmp_path / "a-seed0"])
