import math

import pytest
import torch

from altlib.data.comparisons import DPO_WEIGHTS, MCM_DPO_WEIGHTS
from altlib.models.response_trees import Branch, Tree, tree_log_probabilities
from altlib.training.preference_losses import PreferenceLoss, reward_summary
from tests.conftest import small_gpt2


def test_mcm_dpo_agrees_with_a_case_computed_by_hand():
    """Losers at 1, 2, ..., 7 nats below the chosen combination, which is at 3: the margin is their weighted mean."""
    ratios = torch.tensor([[3.0, 2, 1, 0, -1, -2, -3, -4]])
    margin = (1.0 * 1 + 0.5 * 2 + 0.5 * 3 + 0.2 * 4 + 0.2 * 5 + 0.2 * 6 + 0.2 * 7) / 2.8
    loss = PreferenceLoss(MCM_DPO_WEIGHTS, beta=0.1)
    assert float(loss.margins(ratios)) == pytest.approx(margin)
    assert float(loss(ratios)) == pytest.approx(math.log(1 + math.exp(-0.1 * margin)))


def test_the_response_alone_is_plain_dpo():
    ratios = torch.tensor([[1.5, -0.5], [-1.0, 2.0]])
    expected = [math.log(1 + math.exp(-0.1 * 2)), math.log(1 + math.exp(0.1 * 3))]
    assert PreferenceLoss(DPO_WEIGHTS)(ratios).tolist() == pytest.approx(expected)


def test_plain_dpo_agrees_with_trl(tokenizer, tmp_path):
    """The whole way from texts to the loss: log-probabilities of shared prompts, the reference, the sigmoid."""
    trl = pytest.importorskip("trl")
    from datasets import Dataset

    rows = [
        {"prompt": "Brew day!", "chosen": " Two growlers on a red cloth.", "rejected": " A picture."},
        {"prompt": "Seen at the quay at Whitby", "chosen": " A ship.", "rejected": " A tall mug, and a cup."},
    ]
    policy, reference = small_gpt2(tokenizer), small_gpt2(tokenizer, seed=1)
    settings = trl.DPOConfig(
        str(tmp_path), beta=0.3, use_cpu=True, report_to=[], per_device_train_batch_size=2, bf16=False
    )
    trainer = trl.DPOTrainer(
        policy, reference, settings, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
    )
    batch = next(iter(trainer.get_train_dataloader()))
    expected = trainer.compute_loss(policy.eval(), batch)

    def ratios(model):
        ids, masks = batch["input_ids"].tolist(), batch["completion_mask"].tolist()
        seen = batch["attention_mask"].sum(1).tolist()
        trees = []
        for n in range(len(rows)):
            prompt = ids[n][: masks[n].index(1)]
            trees.append(
                Tree(torch.zeros(0, 32), [Branch(prompt, [ids[i][len(prompt) : seen[i]] for i in (n, n + 2)])])
            )
        found = tree_log_probabilities(model.base_model, model.get_output_embeddings(), trees, 0)
        return found.view(len(rows), 2)

    ours = PreferenceLoss(DPO_WEIGHTS, 0.3)(ratios(policy) - ratios(reference)).mean()
    assert float(ours.detach()) == pytest.approx(float(expected.detach()), abs=1e-4)
    assert abs(float(ours.detach()) - math.log(2)) > 0.01
    (found,), (wanted,) = (torch.autograd.grad(loss, policy.transformer.wte.weight) for loss in (ours, expected))
    assert torch.allclose(found, wanted, atol=1e-4)


def test_one_sigmoid_over_the_combined_margin_is_not_seven_losses():
    ratios = torch.tensor([[0.0, -40.0, 40.0]])
    weights = {"response": 1.0, "picture": 1.0}
    assert float(PreferenceLoss(weights, 1.0)(ratios)) == pytest.approx(math.log(2))


def test_without_any_difference_the_loss_is_log_2_and_the_gradient_pushes_apart():
    ratios = torch.zeros(1, 8, requires_grad=True)
    loss = PreferenceLoss(MCM_DPO_WEIGHTS)(ratios).sum()
    loss.backward()
    assert float(loss.detach()) == pytest.approx(math.log(2))
    assert float(ratios.grad[0, 0]) < 0 < float(ratios.grad[0, 1:].min())
    assert float(ratios.grad.sum()) == pytest.approx(0, abs=1e-6)


def test_the_anchor_holds_the_chosen_response_up():
    fallen = torch.tensor([[-10.0, -14.0]], requires_grad=True)
    plain, held = (PreferenceLoss(DPO_WEIGHTS, 0.1, anchor=weight) for weight in (0.0, 1.0))
    difference = (held(fallen) - plain(fallen)).sum()
    assert float(difference.detach()) == pytest.approx(math.log(1 + math.exp(1)))
    difference.backward()
    assert float(fallen.grad[0, 0]) < 0 and float(fallen.grad[0, 1]) == 0


def test_ipo_draws_the_margin_to_its_target():
    loss = PreferenceLoss(DPO_WEIGHTS, beta=0.25, form="ipo")
    assert loss(torch.tensor([[2.0, 0.0], [5.0, 0.0]])).tolist() == [0, 9]


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"beta": 0}, "beta is 0"),
        ({"form": "hinge"}, "unknown form"),
        ({"anchor": -1}, "anchor"),
        ({"weights": {"response": 0}}, "all comparisons are off"),
    ],
)
def test_impossible_settings_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        PreferenceLoss(**({"weights": DPO_WEIGHTS} | settings))


def test_rewards_are_summarised_by_comparison():
    ratios = torch.tensor([[1.0, 0.0, 2.0], [3.0, 1.0, 0.0]])
    found = reward_summary(ratios, ["response", "picture"], beta=0.5)
    assert found == {
        "best reward": 1.0,
        "accuracy: response": 1.0,
        "margin: response": 0.75,
        "accuracy: picture": 0.5,
        "margin: picture": 0.5,
    }
