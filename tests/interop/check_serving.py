"""Checks what `glpft export RUN --for vllm` lays out by vLLM's rules, and has PEFT put the adapters on one base.

    check_serving.py GLPFT RUN

RUN is a finished run with adapters for roles. The rules are those of vLLM 0.14 to 0.22: `config/lora.py` (the ranks that
can be told), `lora/peft_helper.py` (settings that are refused), `lora/utils.py` (names of tensors), and the modules that
its Llama and Qwen take adapters for. PEFT loads the three adapters on one base and must compute what the merged roles
compute. Needs torch, transformers and peft.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
MODULES = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
NAME = re.compile(r"base_model\.model\.model\.layers\.\d+\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])\.weight")
TEXTS = ["The capital of France is", "Action: get_weather\nAction Input: {}"]


def check_adapter(folder, largest):
    """What vLLM's loader would refuse or pass over."""
    with open(os.path.join(folder, "adapter_config.json")) as file:
        config = json.load(file)
    rank = config["r"]
    assert config["peft_type"] == "LORA" and rank <= largest, config
    assert config["bias"] == "none" and not config.get("use_dora") and not config.get("modules_to_save"), config
    # It has one rank and one scale for all modules.
    assert not config.get("rank_pattern") and not config.get("alpha_pattern"), config
    with safe_open(os.path.join(folder, "adapter_model.safetensors"), "pt") as weights:
        names = sorted(weights.keys())
        parts = {}
        for name in names:
            match = NAME.fullmatch(name)
            assert match and match[1] in MODULES, name
            shape = weights.get_slice(name).get_shape()
            assert shape[0 if match[2] == "A" else 1] == rank, (name, shape, rank)
            parts.setdefault(name.split(".lora_")[0], set()).add(match[2])
    assert parts and all(both == {"A", "B"} for both in parts.values())
    return config


def logits(model, tokenizer):
    with torch.no_grad():
        return [model(torch.tensor([tokenizer(text)["input_ids"]])).logits[0] for text in TEXTS]


def main():
    glpft, run = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        team = os.path.join(folder, "team")
        subprocess.run([glpft, "export", run, "--for", "vllm", "--to", team, "--quiet"], check=True)
        subprocess.run(["sh", "-n", os.path.join(team, "start.sh")], check=True)
        assert os.access(os.path.join(team, "start.sh"), os.X_OK)
        with open(os.path.join(team, "start.sh")) as file:
            command = next(line for line in file if "vllm serve" in line)
        assert "--lora-modules" in command, f"no roles of {run} are adapters: {command}"
        base_folder = re.search(r"vllm serve (\S+)", command)[1]
        largest = int(re.search(r"--max-lora-rank (\d+)", command)[1])
        modules = dict(part.split("=", 1) for part in re.findall(r"\w+=\./\S+", command))
        assert largest in RANKS and set(modules) == {"planner", "caller", "summarizer"}, command
        os.chdir(team)
        tokenizer = AutoTokenizer.from_pretrained(base_folder)
        base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
        before = logits(base, tokenizer)
        adapted = None
        for role, path in modules.items():
            config = check_adapter(path, largest)
            assert os.path.samefile(config["base_model_name_or_path"], base_folder), config["base_model_name_or_path"]
            if adapted is None:
                adapted = PeftModel.from_pretrained(base, path, adapter_name=role)
            else:
                adapted.load_adapter(path, adapter_name=role)
        for role in modules:
            adapted.set_adapter(role)
            found = logits(adapted, tokenizer)
            merged = os.path.join(folder, role)
            subprocess.run([glpft, "export", run, "--role", role, "--merge", "--dtype", "f32", "--to", merged, "--quiet"],
                           check=True)
            expected = logits(AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32), tokenizer)
            worst = max((one - other).abs().max().item() for one, other in zip(found, expected))
            change = max((one - other).abs().max().item() for one, other in zip(found, before))
            print(f"{role}: its adapter on the shared base is the merged role within {worst:.1e}; it changes {change:.1e}")
            assert worst < 1e-3 and change > worst
    print("all checks passed")


main()
