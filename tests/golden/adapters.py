#!/usr/bin/env python3
"""Makes the golden adapters: what PEFT saves for each way of adapting a golden model, and the logits that it computes.

    python tests/golden/adapters.py        writes tests/golden/adapters/<case>/

Needs torch, transformers 5 and peft; make.py's models. The results are committed; tests only read them.

A case has adapter_config.json and adapter_model.safetensors as PEFT saved them (but `base_model_name_or_path`, which names
the golden model beside it, and keys that say "edited" below) and expected.safetensors: `logits` [row, position, vocabulary]
of IDS, and where it says "gradients" the gradient of the mean cross-entropy by each tensor of the adapter. Logits are those
of the directory, opened again, computed in double precision on the CPU with eager attention, stored in single.
"""

import json
import pathlib
import shutil
import tempfile
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
IDS = torch.tensor([[1, 7, 46, 3, 3, 29, 11, 0, 40], [1, 2, 14, 31, 5, 47, 22, 22, 9]])
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# case: (golden model, LoraConfig, edited keys of the file, gradients). `llama` ties the head, `mistral` does not.
CASES = {
    "rslora": ("mistral", dict(r=4, lora_alpha=6, target_modules=ALL, use_rslora=True), {}, True),
    "patterns": (
        "llama",
        dict(
            r=4,
            lora_alpha=8,
            target_modules=["q_proj", "v_proj", "down_proj"],
            use_rslora=True,
            rank_pattern={"q_proj": 2, r"layers\.1\.self_attn\.v_proj": 6, "model.layers.0.mlp.down_proj": 1},
            # Both match layer 0's v_proj; PEFT saves them sorted, and reads the first.
            alpha_pattern={r"layers.\d.self_attn.(k|v)_proj": 3, "v_proj": 20, "proj": 50},
        ),
        {},
        True,
    ),
    "regex": (
        "mistral",
        dict(r=3, lora_alpha=5, target_modules=r"^(?!.*layers\.0\.mlp).*\.(self_attn|mlp)\.(q|up|down)_proj"),
        {},
        False,
    ),
    "all-linear": (
        "mistral",
        dict(r=2, lora_alpha=7, target_modules="all-linear", exclude_modules=["o_proj", "model.layers.1.mlp.up_proj"]),
        dict(target_modules="all-linear"),
        False,
    ),
    "layers": (
        "llama",
        dict(
            r=2,
            lora_alpha=9,
            target_modules=["k_proj", "gate_proj", "model.layers.0.self_attn.o_proj"],
            exclude_modules=r".*gate_.*",
            layers_to_transform=[1],
            layers_pattern="layers",
        ),
        {},
        False,
    ),
    "saved-untied": (
        "mistral",
        dict(r=2, lora_alpha=4, target_modules=["v_proj", "lm_head"], modules_to_save=["lm_head", "embed_tokens", "norm"]),
        {},
        False,
    ),
    "saved-head-tied": ("llama", dict(r=2, lora_alpha=4, target_modules=["v_proj"], modules_to_save=["lm_head"]), {}, False),
    "saved-embedding-tied": (
        "llama",
        dict(r=2, lora_alpha=4, target_modules=["v_proj"], modules_to_save=["embed_tokens", "layers.1.mlp"]),
        {},
        False,
    ),
    "outer-untied": ("mistral", dict(r=3, lora_alpha=6, target_modules=["q_proj", "embed_tokens", "lm_head"]), {}, False),
    "head-tied": ("llama", dict(r=3, lora_alpha=6, target_modules=["q_proj", "lm_head"]), {}, False),
    "embedding-tied": (
        "llama",
        dict(r=3, lora_alpha=6, target_modules=["embed_tokens"], use_rslora=True, rank_pattern={"embed_tokens": 5}),
        {},
        False,
    ),
}


# An adapter that wakes (activated LoRA, arXiv 2504.12397) where INVOCATION stands in each row; what stands behind it is
# learned. Written to tests/golden/waking: `logits` and gradients as above, of the tokens from the invocation on.
INVOCATION = [3, 5]
WAKING_IDS = torch.tensor([[1, 7, 46, 3, 5, 29, 11, 0, 40], [1, 7, 46, 31, 2, 3, 5, 22, 9]])
STARTS = [3, 5]


def base(name):
    return AutoModelForCausalLM.from_pretrained(HERE / name, dtype=torch.float32, attn_implementation="eager").eval()


def randomize(model, seed):
    """Everything that the adapter owns is random, B included: a B of zeros would say nothing."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if ".lora_" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
            elif "modules_to_save" in name:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))


def make(case, seed):
    name, settings, edited, with_gradients = CASES[case]
    out = HERE / "adapters" / case
    shutil.rmtree(out, ignore_errors=True)
    model = get_peft_model(base(name), LoraConfig(task_type="CAUSAL_LM", **settings))
    randomize(model, seed)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        out.mkdir(parents=True)
        shutil.copy(pathlib.Path(folder) / "adapter_model.safetensors", out)
        config = json.loads((pathlib.Path(folder) / "adapter_config.json").read_text())
    # PEFT keeps targets as a set, in any order.
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    config["base_model_name_or_path"] = f"../../{name}"
    config |= edited
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")

    model = PeftModel.from_pretrained(base(name), out, is_trainable=with_gradients)
    model.eval().double()
    output = model(IDS, labels=IDS)
    expected = dict(logits=output.logits.detach().float().contiguous())
    if with_gradients:
        output.loss.backward()
        for path, parameter in model.named_parameters():
            if ".lora_" in path:
                expected[path.replace(".default", "")] = parameter.grad.float().contiguous()
    plain = base(name)(IDS).logits
    assert (plain - expected["logits"]).abs().max() > 0.1, "the adapter does nothing"
    save_file(expected, out / "expected.safetensors")
    print(case, sorted(path.name for path in out.iterdir()))


def make_waking(seed):
    out = HERE / "waking"
    shutil.rmtree(out, ignore_errors=True)
    settings = LoraConfig(
        task_type="CAUSAL_LM", r=3, lora_alpha=6, target_modules=ALL, alora_invocation_tokens=INVOCATION
    )
    model = get_peft_model(base("mistral"), settings)
    randomize(model, seed)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        out.mkdir(parents=True)
        shutil.copy(pathlib.Path(folder) / "adapter_model.safetensors", out)
        config = json.loads((pathlib.Path(folder) / "adapter_config.json").read_text())
    config["target_modules"].sort()
    config["base_model_name_or_path"] = "../mistral"
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")

    model = PeftModel.from_pretrained(base("mistral"), out, is_trainable=True)
    model.eval().double()
    labels = WAKING_IDS.clone()
    for row, start in enumerate(STARTS):
        labels[row, : start + len(INVOCATION)] = -100
    output = model(WAKING_IDS, labels=labels)
    output.loss.backward()
    expected = dict(logits=output.logits.detach().float().contiguous())
    for path, parameter in model.named_parameters():
        if ".lora_" in path:
            expected[path.replace(".default", "")] = parameter.grad.float().contiguous()
    plain = base("mistral")(WAKING_IDS).logits
    for row, start in enumerate(STARTS):
        assert (plain[row, :start] - expected["logits"][row, :start]).abs().max() < 1e-5, "it sleeps until then"
        assert (plain[row, start:] - expected["logits"][row, start:]).abs().max() > 0.1, "the adapter does nothing"
    save_file(expected, out / "expected.safetensors")
    print("waking", sorted(path.name for path in out.iterdir()))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    for number, case in enumerate(CASES):
        make(case, number)
    make_waking(len(CASES))
