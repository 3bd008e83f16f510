#!/usr/bin/env python3
"""Holds a waking planner's greedy answers to PEFT's, on the prompts that static evaluation asked.

    python tests/interop/check_waking.py MODEL RUN TOKENS PREDICTIONS [--new-tokens 16]

MODEL is the base, RUN has `models/planner`, TOKENS is `train_planner.jsonl` of `glpft data export --tokens`, PREDICTIONS the
`predictions.jsonl` of `glpft eval static RUN --data … --max-new-tokens 16` on the same conversations. Prompts are told apart by their
lengths; those of one length are passed over. Needs torch, transformers and peft.
"""

import argparse
import collections
import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def lines(file):
    with open(file, encoding="utf-8") as text:
        return [json.loads(line) for line in text]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["model", "run", "tokens", "predictions"]:
        parser.add_argument(name)
    parser.add_argument("--new-tokens", type=int, default=16)
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    answers = collections.defaultdict(list)
    for step in lines(arguments.predictions):
        for output in step["outputs"]:
            if output["role"] == "planner":
                answers[output["prompt_tokens"]].append(output["text"])
    base = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, f"{arguments.run}/models/planner").eval()
    asked = same = 0
    for row in lines(arguments.tokens):
        learned = next(at for at, label in enumerate(row["labels"]) if label != -100)
        ids = torch.tensor([row["input_ids"][:learned]])
        ours = answers[learned]
        if len(ours) != 1:
            continue
        with torch.no_grad():
            made = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=arguments.new_tokens, do_sample=False
            )
        theirs = tokenizer.decode(made[0, learned:], skip_special_tokens=True)
        asked += 1
        same += theirs.strip() == ours[0].strip()
        if theirs.strip() != ours[0].strip():
            print(f"{learned} tokens: PEFT {theirs!r}, ours {ours[0]!r}")
    print(f"{same} of {asked} answers are PEFT's")
    sys.exit(0 if asked and same == asked else 1)


if __name__ == "__main__":
    main()
