from altlib.evaluation.study.questionnaire import spreadsheet_safe, unprefixed


def test_apostrophes_that_protect_spreadsheets_are_taken_away():
    assert [unprefixed(cell) for cell in ("'=1+1", "'quoted'", "=1", "''", "'")] == [
        "=1+1",
        "'quoted'",
        "=1",
        "''",
        "'",
    ]


def test_a_cell_that_was_made_safe_is_read_back():
    for text in ("=1+1", "-5", "@x", "plain", "", "+"):
        assert unprefixed(spreadsheet_safe(text)) == text
