import numpy as np

from altlib.evaluation.attention_to_inputs import swap_inputs
from altlib.report.attention_tables import attention_table, attention_verdicts, looks_more


def model(picture: float, post: float):
    def log_likelihoods(pictures, posts):
        own = np.arange(len(pictures))
        return -2.0 - picture * (pictures != own) - post * (posts != own)

    return swap_inputs(log_likelihoods, [2] * 30)


def test_the_table_says_what_each_swap_costs():
    table = attention_table({"looks": model(1.0, 0.0), "reads": model(0.0, 2.0)})
    assert table["model"].tolist() == ["looks", "reads"]
    assert table["picture swapped"].tolist() == ["+0.50 [+0.50, +0.50]", "+0.00 [+0.00, +0.00]"]
    assert table["both swapped"].tolist() == ["+0.50 [+0.50, +0.50]", "+1.00 [+1.00, +1.00]"]
    assert table["own picture likelier (%)"].tolist() == ["100 [100, 100]", "50 [50, 50]"]


def test_verdicts_can_come_out_either_way():
    models = {"looks": model(1.0, 0.0), "reads": model(0.0, 2.0)}
    looks, reads = attention_verdicts(models)
    assert "Looks uses the picture and does not measurably use the post" in looks
    assert "Reads does not measurably use the picture and uses the post" in reads
    assert "Looks looks at the picture more than reads" in looks_more(models, "looks", "reads")
    assert "less than" in looks_more(models, "reads", "looks")
    assert "neither more nor less than" in looks_more(models, "looks", "looks")
