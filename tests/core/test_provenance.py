"""Notes on which steps were computed and which were read back."""

from concurrent.futures import ThreadPoolExecutor

from altlib.core import provenance
from altlib.core.provenance import COMPUTED, READ_BACK


def test_notes_come_back_in_the_order_of_their_times(tmp_path, monkeypatch):
    file = tmp_path / "notes.jsonl"
    monkeypatch.setenv(provenance.FILE, str(file))
    provenance.note(COMPUTED, "captions of ours", "a")
    provenance.note(READ_BACK, "Fähigkeiten\n", "b")
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(reversed(lines)), encoding="utf-8")
    found = provenance.read_notes(file)
    assert [(n["how"], n["what"], n["key"]) for n in found] == [
        (COMPUTED, "captions of ours", "a"), (READ_BACK, "Fähigkeiten\n", "b")
    ]  # fmt: skip


def test_nothing_is_noted_where_no_file_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv(provenance.FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    provenance.note(COMPUTED, "captions")
    assert list(tmp_path.iterdir()) == [] and provenance.read_notes(tmp_path / "notes.jsonl") == []


def test_notes_that_are_made_at_once_stay_whole(tmp_path, monkeypatch):
    monkeypatch.setenv(provenance.FILE, str(tmp_path / "notes.jsonl"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: provenance.note(COMPUTED, "x" * 500, str(k)), range(200)))
    assert {n["key"] for n in provenance.read_notes(tmp_path / "notes.jsonl")} == {str(k) for k in range(200)}
