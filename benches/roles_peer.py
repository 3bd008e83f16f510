#!/usr/bin/env python3
"""PyTorch's side of `benches/roles.py`: PEFT's activated LoRA, one role after the other, a row at a time.

    benches/roles_peer.py MODEL TOKENS… [--examples N] [--rank 16]

A file of TOKENS is what `glpft data export --tokens` writes. The invocation is the longest text that all prompts of a file end
with. Attention is PyTorch's own (SDPA), the head sees the labelled positions alone, and f32 is kept. Prints one JSON line a file
and a sum.
"""

import argparse
import json
import resource
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def prompt(row):
    labelled = next(at for at, label in enumerate(row["labels"]) if label != -100)
    return row["input_ids"][:labelled]


def common_end(prompts):
    length = 0
    while all(len(one) > length and one[-1 - length] == prompts[0][-1 - length] for one in prompts):
        length += 1
    return prompts[0][len(prompts[0]) - length :]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("tokens", nargs="+")
    parser.add_argument("--examples", type=int, default=4)
    parser.add_argument("--rank", type=int, default=16)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    total = {"tokens": 0, "seconds": 0.0}
    for file in arguments.tokens:
        with open(file, encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        if not rows:
            continue
        # Prompts are cut at their labels; a role's last words are the same in all of them.
        invocation = common_end([prompt(row) for row in rows])[-32:]
        model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32, attn_implementation="sdpa")
        model.config.use_cache = False
        lora = LoraConfig(
            r=arguments.rank, lora_alpha=2 * arguments.rank, lora_dropout=0.0, target_modules=MODULES, task_type="CAUSAL_LM",
            alora_invocation_tokens=invocation,
        )
        model = get_peft_model(model, lora)
        optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=2e-4)
        rows = rows[: arguments.examples]
        labels = sum(sum(label != -100 for label in row["labels"]) for row in rows)
        began, told = time.time(), 0.0
        for row in rows:
            ids, wanted = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
            learned = int((wanted[0] != -100).nonzero()[0])
            logits = model(input_ids=ids, logits_to_keep=ids.shape[1] - learned + 1).logits[0, :-1]
            loss = torch.nn.functional.cross_entropy(logits, wanted[0, learned:], reduction="sum") / labels
            loss.backward()
            told += float(loss.detach())
        optimizer.step()
        seconds, tokens = time.time() - began, sum(len(row["input_ids"]) for row in rows)
        total["tokens"] += tokens
        total["seconds"] += seconds
        line = {"file": file.rsplit("/", 1)[-1], "examples": len(rows), "tokens": tokens, "seconds": round(seconds, 1), "loss": told}
        print(json.dumps(line | {"invocation": len(invocation)}), flush=True)
        del model, optimizer
    rate = total["tokens"] / max(total["seconds"], 1e-9)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(total | {"tokens_per_second": rate, "peak_bytes": peak, "threads": torch.get_num_threads()}), flush=True)


if __name__ == "__main__":
    main()
