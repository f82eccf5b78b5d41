"""The miniature GPT-2 before it is trained."""


def test_a_model_that_starts_looking_back_finds_what_followed_the_same_token():
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from altlib.pretraining.language import GPT2_CONFIG, start_looking_back

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(**GPT2_CONFIG, bos_token_id=0, eos_token_id=0)).eval()
    start_looking_back(model)
    model.set_attn_implementation("eager")
    passage = torch.randint(1, 2048, (2, 30))
    with torch.inference_mode():
        attention = model(torch.cat([passage, passage], 1), output_attentions=True).attentions
    at = torch.arange(1, 60)
    assert attention[0][:, 0, at, at - 1].mean() > 0.8
    again = torch.arange(30, 59)
    assert attention[1][:, 0, again, again - 29].mean() > 0.8
