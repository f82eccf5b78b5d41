"""Captions a second: batched, cached beam search against a plain loop, same weights, one run.

The model has GPT-2's size and random weights; beam 5, 40 new tokens, prompts of a prefix of 10
and posts of about 46 tokens. The plain loop takes one picture at a time, keeps no keys and
values, computes every logit, in float32.
"""

import argparse
import time

import torch
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from altlib.core.devices import precision_name
from altlib.generation.decoding import Decoding, decode, prompt_batch
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.models.language import fuse_gelu, load_language_model


@torch.inference_mode()
def plain_beam_search(captioner, feature, text, beams, tokens):
    """One picture, the whole sequence again at every step."""
    prompt, _ = prompt_batch(captioner, feature[None], [captioner.encode(text)])
    sequences, scores = torch.empty(1, 0, dtype=torch.long), torch.zeros(1)
    for _ in range(tokens):
        inputs = torch.cat([prompt.expand(len(sequences), -1, -1), captioner.embedding(sequences)], 1)
        log_probs = captioner.language_model(inputs_embeds=inputs, use_cache=False).logits[:, -1].log_softmax(-1)
        log_probs[:, captioner.end] = -1e9
        scores, flat = (scores[:, None] + log_probs).flatten().topk(beams)
        sequences = torch.cat([sequences[flat // log_probs.shape[1]], (flat % log_probs.shape[1])[:, None]], 1)
    return sequences[0]


def product_rate(precision, seconds=2.0):
    """Floating-point operations a second of a large matrix product: the processor's practical limit."""
    a, b = torch.randn(2048, 2048).to(precision), torch.randn(2048, 2048).to(precision)
    start, n = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        a @ b
        n += 1
    return 2 * 2048**3 * n / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--plain", type=int, default=1, help="pictures for the plain loop")
    options = parser.parse_args()
    torch.manual_seed(0)
    tokenizer, _ = load_language_model()
    model = GPT2LMHeadModel(GPT2Config(eos_token_id=50256, bos_token_id=50256)).eval()
    captioner = PrefixCaptioner(CaptionerConfig("gpt2-size", clip_width=512, max_tokens=150), tokenizer, model).eval()
    captioner.end = 50256
    features = F.normalize(torch.randn(options.pictures, 512), dim=-1)
    posts = [
        "We went from the quay at Whitby to the market in Ashford and saw it all. " * (1 + i % 3)
        for i in range(options.pictures)
    ]
    precision = captioner.precision
    with torch.no_grad():  # no caption ends before its 40 tokens, so both do the same work
        model.transformer.wte.weight[50256] = 0
    start = time.perf_counter()
    for i in range(options.plain):
        plain = plain_beam_search(captioner, features[i], posts[i], 5, 40)
    plain_rate = options.plain / (time.perf_counter() - start)
    fuse_gelu(model)
    how = Decoding(beams=5, block_trigrams=False, max_tokens=40, batch_size=48)
    ours = decode(captioner, features[:1], posts[:1], how, torch.float32)[0][0]
    same = (
        ours.text == captioner.tokenizer.decode(plain.tolist(), skip_special_tokens=True).strip()
        if options.plain == 1
        else None
    )
    start = time.perf_counter()
    decode(captioner, features, posts, how, precision)
    rate = options.pictures / (time.perf_counter() - start)
    body = sum(p.numel() for n, p in model.named_parameters() if "wte" not in n and "wpe" not in n)
    head = model.transformer.wte.weight.numel()
    prompt = sum(10 + len(captioner.encode(p).text) + 1 for p in posts) / len(posts)
    operations = 2 * (prompt * body + head + 39 * 5 * (body + head))
    limit = product_rate(precision)
    print(
        f"plain loop, float32: {plain_rate:.4f} captions/s; ours, {precision_name(precision)}: {rate:.3f} captions/s; ratio {rate / plain_rate:.1f}"
    )
    print(f"same caption as the plain loop: {same}")
    print(
        f"matrix products of a caption: {operations / 1e9:.0f} GFLOP; ours computes {rate * operations / 1e9:.0f} GFLOP/s, "
        f"{100 * rate * operations / limit:.0f}% of the {limit / 1e9:.0f} GFLOP/s of a large matrix product in the same type"
    )


if __name__ == "__main__":
    main()
