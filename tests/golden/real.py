#!/usr/bin/env python3
"""Writes what transformers computes for three texts with a real model: facts that a test compares with.

    python tests/golden/real.py MODEL_DIR tests/golden/smollm2-135m.json

Needs torch and transformers. f32, CPU, eager attention. The weights stay outside; `weights_sha256` says which they were.
The whole logits would be megabytes, so of position p only those of the token ids p, p + STRIDE, p + 2·STRIDE, … are
kept (each position samples other columns), with the log of the sum of the exponentials over all of them.

texts[i]: text, ids (the tokenizer's, nothing added), top (most likely next id per position), logsumexp (per position),
next_logprob (of ids[p + 1] at p), logits[p] (for ids p, p + stride, …).
"""

import hashlib
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

STRIDE = 768

TEXTS = [
    "system: You can look up a parcel with these functions:\n"
    '{"Name": "track_for_parcel_post", "function": "Where a parcel is.", "input": {"number": "string, the label"}}\n'
    "user: Where is parcel PL-4471?</s> assistant: I look the number up.\n Next: caller.</s> caller: ",
    'Action: track_for_parcel_post\nAction Input: {"number": "PL-4471"}',
    "The café's menu in Zürich lists: 1) rösti – 18.50 CHF; 2) fondue – 24 CHF; 3) tarte aux pommes – 9 CHF.\n\n"
    "Observation: {\"error\": \"\", \"response\": \"[{'dish': 'rösti', 'price': 18.5}, {'dish': 'fondue', 'price': 24}]\"}\n"
    "The cheapest dish on the menu is the tarte aux pommes, and the most expensive one is the",
]


def main():
    directory, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, attn_implementation="eager", dtype=torch.float32).eval()
    texts = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
        logprobs = torch.log_softmax(logits.double(), -1)
        texts.append(
            dict(
                text=text,
                ids=ids,
                top=logits.argmax(-1).tolist(),
                logsumexp=[round(x, 5) for x in torch.logsumexp(logits.double(), -1).tolist()],
                next_logprob=[round(logprobs[p, i].item(), 5) for p, i in enumerate(ids[1:])],
                logits=[[round(x, 5) for x in row[p::STRIDE].tolist()] for p, row in enumerate(logits)],
            )
        )
    sha256 = hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest()
    golden = dict(model=directory.name, weights_sha256=sha256, stride=STRIDE, texts=texts)
    out.write_text(json.dumps(golden, separators=(",", ":")).replace(',"', ',\n"') + "\n")


if __name__ == "__main__":
    main()
