"""Replies of endpoints that are kept, and what they cost."""

from decimal import Decimal
from types import SimpleNamespace

from altlib.models.replies import Replies, Usage, spent_in


def stated(read, written, **more):
    return SimpleNamespace(prompt_tokens=read, completion_tokens=written, **more)


def test_usage_is_what_the_server_states_by_its_cost_or_by_the_prices():
    assert Usage.of(stated(1_000_000, 500_000), 2.0, 4.0) == Usage(1_000_000, 500_000, Decimal(4), True)
    assert Usage.of(stated(10, 10, cost=0.3), 2.0, 4.0).dollars == Decimal("0.3")
    for nonsense in (True, -1, "free"):
        assert Usage.of(stated(1_000_000, 0, cost=nonsense), 2.0, 4.0).dollars == 2
    assert not Usage.of(None, 2.0, 4.0).known and Usage.of(stated(None, None), 1.0, 1.0) == Usage(
        0, 0, Decimal(0), True
    )


def test_a_reply_that_came_is_there_after_a_kill_and_is_found_by_its_question(tmp_path):
    path = tmp_path / "below" / "replies.sqlite"
    replies = Replies(path)
    replies.put("question", "4, 3, 5")
    with Replies(path) as others:  # the first one is never closed
        assert others.get("question") == "4, 3, 5" and others.get("another") is None
        others.put("question", "5, 5, 5")
    assert replies.get("question") == "5, 5, 5"


def test_what_was_spent_is_exact_and_says_what_is_not_known(tmp_path):
    path = tmp_path / "replies.sqlite"
    assert spent_in(path).requests == 0 and not path.exists()
    with Replies(path) as replies:
        for _ in range(3):
            replies.note("question", Usage(100, 10, Decimal("0.1"), True), "ok")
        before = replies.spent()
        replies.note("question", Usage(), "timeout")
    assert before.dollars == Decimal("0.3") and spent_in(path).unknown == 1
    assert (spent_in(path) - before).requests == 1 and (spent_in(path) - before).dollars == 0
    assert spent_in(path).sentence() == (
        "4 requests, 300 tokens read and 30 written: 0.3000 dollars; of 1 requests that broke off the cost is not known"
    )
