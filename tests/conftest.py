"""Small models and pictures that the tests make themselves; nothing is fetched."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # tests run side by side, a core each

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from filelock import FileLock
from PIL import Image

from altlib.checkpoints.miniature import miniature_folder
from altlib.data.sources.registry import collect
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.models.clip import load_clip
from altlib.models.language import load_language_model

# Where tests run in the background it may be ignored, and would be in all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent

# accelerate's own launcher starts one process on the processor, however many it is asked for.
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]


def wait_until(happened: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait for something that another process or thread does; whether it came in time."""
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happened()


@pytest.fixture(autouse=True)
def usual_products():
    """Products as torch computes them by itself after each test; otherwise results would depend on which tests ran before."""
    yield
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.enable_flash_sdp(True)


@pytest.fixture(scope="session")
def tokenizer():
    """The miniature GPT-2's tokenizer."""
    return load_language_model()[0]


def small_gpt2(tokenizer, layers: int = 2, seed: int = 0):
    """A GPT-2 with random weights that is not too sure of anything."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=256,
        n_embd=32,
        n_layer=layers,
        n_head=4,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.3,
    )
    return GPT2LMHeadModel(config).eval()


@pytest.fixture
def captioner(tokenizer):
    """A captioner of random weights: 8-wide pictures, 4 prefix vectors."""
    torch.manual_seed(1)
    return PrefixCaptioner(
        CaptionerConfig("random", clip_width=8, prefix_length=4, max_tokens=60), tokenizer, small_gpt2(tokenizer)
    ).eval()


OTHER_FAMILIES = {
    # OPT's positions begin at 2, and its embedding may be narrower than its layers.
    "opt": {"hidden_size": 32, "ffn_dim": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "word_embed_proj_dim": 16},
    "gpt_neox": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4},
    "llama": {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    },
}  # fmt: skip


@pytest.fixture(params=OTHER_FAMILIES)
def other_family(request, tokenizer):
    """A captioner on a small language model of another family, with random weights."""
    config = transformers.AutoConfig.for_model(
        request.param,
        **OTHER_FAMILIES[request.param],
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.3,
        init_std=0.3,
    )
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config)
    settings = CaptionerConfig("random", clip_width=8, prefix_length=4, max_tokens=60)
    return PrefixCaptioner(settings, tokenizer, model).eval()


@pytest.fixture
def features():
    """Seven pictures' features."""
    return torch.nn.functional.normalize(torch.randn(7, 8, generator=torch.Generator().manual_seed(3)), dim=-1)


POSTS = [
    "",
    "Brew day!",
    "Seen at the quay at Whitby and the shop in Ashford. Yes, vintage!",
    "a",
    "Two of them, and more.",
    "NEW: the count draws crowds as Ravenscar open day set for 6 June.",
    "ok so the darkroom happened",
]
ALTS = [
    "Two growlers on a red cloth.",
    "a mug",
    "A map of the town, in blue, with a dog to the left of it.",
    "cup",
    "",
    "x y z",
    "A tall ship at sea.",
]


@pytest.fixture
def posts():
    """Seven posts of very different lengths, one empty."""
    return POSTS


@pytest.fixture
def picture(tmp_path):
    """Write a picture file: ``picture("a.png", size=(40, 30), mode="RGB")`` returns its path."""

    def make(name: str, size=(40, 30), mode: str = "RGB", **options) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.effect_noise(size, 60).convert("RGB")
        image = image.quantize(16) if mode == "P" else image.convert(mode)
        image.save(path, **options)
        return path

    return make


@pytest.fixture(scope="session")
def clip_folder():
    """The folder of the shipped miniature CLIP."""
    return miniature_folder("clip")


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """The folder of the smoke book's run in a copy of the project; test processes side by side share one."""
    shared = tmp_path_factory.getbasetemp()
    root = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "project"
    with FileLock(f"{root}.lock"):
        if not (root / "finished").exists():
            shutil.rmtree(root, ignore_errors=True)
            for name in ("book", "params"):
                shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
            shutil.copy(ROOT / "_config.yml", root)
            done = subprocess.run(
                [sys.executable, "-m", "altlib", "book", str(root / "params" / "smoke.yaml")],
                cwd=root,
                capture_output=True,
                text=True,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
                check=False,
            )
            assert done.returncode == 0, done.stderr[-3000:]
            (root / "finished").touch()
    return root / "runs" / "smoke"


@pytest.fixture(scope="session")
def base():
    """The shipped miniature CLIP."""
    return load_clip()


@pytest.fixture(scope="session")
def described_posts(tmp_path_factory):
    """Posts of the miniature world that have alt text, with their pictures."""
    frame = collect("miniworld", tmp_path_factory.mktemp("world"), posts=24, seed=9)[0]
    return frame[frame["alt_text"] != ""].reset_index(drop=True)
