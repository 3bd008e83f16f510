#!/usr/bin/env python3
"""Writes the tokens that transformers generates greedily after real prompts: facts that a test compares with.

    python tests/golden/generate.py MODEL_DIR FIXTURES tests/golden/smollm2-135m-greedy.json

Needs torch and transformers. f32, CPU. FIXTURES has data/alpha-umi/train-example; its prompts (`system: ` + input, each
`</s>` the model's end of sequence) are cut to their last PROMPT_TOKENS tokens. Of a prompt only its place, its length and
its last token are kept: the texts stay outside.

prompts[i]: file, index, length (before the cut), last, ids (generated; the end of sequence included where it came).
"""

import argparse
import hashlib
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PICKED = dict(planner=8, caller=6, summarizer=6)


def prompts(fixtures, tokenizer):
    for role, count in PICKED.items():
        file = f"train_{role}.json"
        examples = json.loads((fixtures / "data/alpha-umi/train-example" / file).read_text())
        for index in range(0, len(examples), len(examples) // count):
            pieces = ("system: " + examples[index]["input"]).split("</s>")
            ids = []
            for number, piece in enumerate(pieces):
                ids += [tokenizer.eos_token_id] if number else []
                ids += tokenizer.encode(piece, add_special_tokens=False)
            yield file, index, ids
            count -= 1
            if count == 0:
                break


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("fixtures", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--prompt-tokens", type=int, default=256)
    parser.add_argument("--new-tokens", type=int, default=48)
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    facts = []
    for file, index, ids in prompts(args.fixtures, tokenizer):
        cut = ids[-args.prompt_tokens :]
        with torch.no_grad():
            out = model.generate(
                torch.tensor([cut]),
                attention_mask=torch.ones(1, len(cut), dtype=torch.long),
                do_sample=False,
                max_new_tokens=args.new_tokens,
                pad_token_id=tokenizer.eos_token_id,
            )
        facts.append(dict(file=file, index=index, length=len(ids), last=ids[-1], ids=out[0, len(cut) :].tolist()))
        print(file, index, len(ids), flush=True)
    sha256 = hashlib.sha256((args.model / "model.safetensors").read_bytes()).hexdigest()
    golden = dict(
        model=args.model.name,
        weights_sha256=sha256,
        prompt_tokens=args.prompt_tokens,
        new_tokens=args.new_tokens,
        prompts=facts,
    )
    args.out.write_text(json.dumps(golden, separators=(",", ":")).replace('{"file', '\n{"file') + "\n")


if __name__ == "__main__":
    main()
