#!/usr/bin/env python3
"""transformers' `generate` on the prompts of a TOKENS file, one prompt after the other; the peer of `bench generate`.

  generate_peer.py MODEL TOKENS --new-tokens N --prompt-tokens N

f32, greedy, with its cache; every answer has all its tokens. Prints the same JSON line, the answers' tokens and the time
up to each one's first scores (`prefill_seconds`) with it."""

import argparse
import json
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("tokens")
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--prompt-tokens", type=int, default=2048)
    arguments = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).eval()
    seconds, prefill, prompt, ids = 0.0, 0.0, 0, []
    first = []

    def clock(_, scores):
        first.append(time.monotonic())
        return scores

    for line in Path(arguments.tokens).read_text(encoding="utf-8").splitlines():
        example = json.loads(line)
        start = next((at for at, label in enumerate(example["labels"]) if label >= 0), len(example["labels"]))
        tokens = torch.tensor([example["input_ids"][:start][-arguments.prompt_tokens :]])
        first.clear()
        started = time.monotonic()
        with torch.inference_mode():
            out = model.generate(
                tokens,
                attention_mask=torch.ones_like(tokens),
                do_sample=False,
                min_new_tokens=arguments.new_tokens,
                max_new_tokens=arguments.new_tokens,
                pad_token_id=0,
                logits_processor=[clock],
            )
        seconds += time.monotonic() - started
        prefill += first[0] - started
        prompt += tokens.shape[1]
        ids.append(out[0, tokens.shape[1] :].tolist())
    new = sum(map(len, ids))
    found = dict(prompts=len(ids), prompt_tokens=prompt, cached_tokens=0, new_tokens=new, seconds=seconds)
    found["prefill_seconds"] = prefill
    print(json.dumps({**found, "threads": torch.get_num_threads(), "ids": ids}))


if __name__ == "__main__":
    main()
