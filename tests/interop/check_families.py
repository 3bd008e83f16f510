#!/usr/bin/env python3
"""Trains tiny models of every family with adapters and whole, and opens what is left with transformers and PEFT.

    python tests/interop/check_families.py GLPFT

The models have random weights and are made here by transformers, with the tokenizer that GLPFT carries. Of each family one run has
adapters, which `check_adapters.py` compares, and one trains all weights: transformers must give its whole model the loss that
`glpft eval perplexity` gives it. Needs torch, transformers and peft.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers

COMMON = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2}
COMMON |= {"max_position_embeddings": 4096, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
WHOLE = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
FUSED = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 1024}
FAMILIES = {
    "llama": ("LlamaConfig", {}, WHOLE),
    "llama-yarn": ("LlamaConfig", {"rope_parameters": YARN}, WHOLE),
    "mistral": ("MistralConfig", {"sliding_window": None}, WHOLE),
    "mistral-window": ("MistralConfig", {"sliding_window": 64}, WHOLE),
    "qwen2": ("Qwen2Config", {}, WHOLE),
    "qwen3": ("Qwen3Config", {"head_dim": 8}, WHOLE),
    "smollm3": ("SmolLM3Config", {"no_rope_layer_interval": 3}, WHOLE),
    "granite": ("GraniteConfig", {"embedding_multiplier": 3.0, "residual_multiplier": 0.3, "logits_scaling": 2.0, "attention_multiplier": 0.2}, WHOLE),
    "phi3": ("Phi3Config", {"partial_rotary_factor": 0.5}, FUSED),
    "gemma3": ("Gemma3TextConfig", {"head_dim": 8, "sliding_window": 64, "query_pre_attn_scalar": 8}, WHOLE),
}


def vocabulary(glpft, folder):
    """The carried tokenizer's size, from a model that was trained with it."""
    run = folder / "sample"
    subprocess.run([glpft, "run", "sample", "--set=arrangement=single", "--max-steps=1", f"--out={run}", "--quiet"], check=True)
    config = json.loads((run / "models" / "global" / "config.json").read_text(encoding="utf-8"))
    return config["vocab_size"], run / "models" / "global"


def make(name, size, directory):
    kind, more, _ = FAMILIES[name]
    config = getattr(transformers, kind)(**(COMMON | {"vocab_size": size} | more))
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(directory)


def main():
    glpft = pathlib.Path(sys.argv[1]).resolve()
    here = pathlib.Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        size, tokenizer = vocabulary(glpft, folder)
        for name, (_, _, modules) in FAMILIES.items():
            base = folder / name
            make(name, size, base)
            for file in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]:
                if (tokenizer / file).is_file():
                    shutil.copy(tokenizer / file, base)
            keys = [f"model.base={base}", "data.source=builtin:sample", "stage.max_length=2048"]
            keys += ["stage.lr=1e-2", "stage.batch=2", "stage.warmup_ratio=0", "data.validation_fraction=0.1"]
            quiet = ["--max-steps=2", "--quiet"]
            adapters = ["arrangement=one-stage", "stage.tune=lora", f"stage.lora.target_modules={json.dumps(modules)}"]
            run = folder / f"{name}-adapters"
            sets = [f"--set={key}" for key in keys + adapters]
            subprocess.run([glpft, "run", "smollm2-135m-lora", f"--out={run}", *quiet, *sets], check=True)
            subprocess.run([sys.executable, here / "check_adapters.py", glpft, run], check=True)
            run = folder / f"{name}-whole"
            sets = [f"--set={key}" for key in keys + ["arrangement=single"]]
            subprocess.run([glpft, "run", "smollm2-135m", f"--out={run}", *quiet, *sets], check=True)
            tokens = folder / f"{name}-tokens"
            subprocess.run([glpft, "data", "export", str(run), "--tokens", f"--to={tokens}", "--quiet"], check=True)
            rows = [json.loads(line) for line in open(tokens / "validation_backbone.jsonl", encoding="utf-8")]
            model = transformers.AutoModelForCausalLM.from_pretrained(run / "models" / "global", dtype=torch.float32).eval()
            total, count = 0.0, 0
            for row in rows:
                labels = torch.tensor([row["labels"]])
                learned = int((labels[:, 1:] != -100).sum())
                with torch.no_grad():
                    total += float(model(input_ids=torch.tensor([row["input_ids"]]), labels=labels).loss) * learned
                count += learned
            log = (run / "stages" / "global" / "train_log.jsonl").read_text(encoding="utf-8").splitlines()
            ours = [json.loads(line) for line in log if "validation_loss" in line][-1]["validation_loss"]
            theirs = total / count
            print(f"{name}: held-out loss {ours:.6f}, in transformers {theirs:.6f}", flush=True)
            if abs(ours - theirs) > 1e-4 * max(1.0, abs(theirs)):
                sys.exit(f"{name}: the losses differ")


if __name__ == "__main__":
    main()
