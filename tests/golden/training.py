#!/usr/bin/env python3
"""Writes what transformers computes besides logits for each golden model: loss, gradients, and the greedy continuation.

    python tests/golden/training.py        writes tests/golden/<family>/training.json

Needs torch and transformers 5; make.py's models. f32 on the CPU, eager attention. The loss is the mean cross-entropy of all next
tokens of the sequences in expected.json. Of each parameter's gradient the norm is kept, and every STEP-th element. `greedy` continues
the first PROMPT tokens of the first sequence; it is left out where the model has fewer positions of one rotary embedding.
"""

import json
import pathlib

import torch
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
STEP, PROMPT, NEW = 97, 20, 16


def main():
    for path in sorted(HERE.glob("*/expected.json")):
        directory = path.parent
        ids = torch.tensor(json.loads(path.read_text())["ids"])
        load = lambda: AutoModelForCausalLM.from_pretrained(directory, attn_implementation="eager", dtype=torch.float32)
        model = load().eval()
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        gradients = {}
        for name, parameter in model.named_parameters():
            gradient = parameter.grad.flatten()
            values = [float(f"{x:.7g}") for x in gradient[::STEP].tolist()]
            gradients[name] = dict(norm=float(f"{gradient.norm().item():.7g}"), values=values)
        found = dict(loss=loss.item(), step=STEP, gradients=gradients)
        if model.config.max_position_embeddings >= 64 and directory.name != "phi3-long":
            prompt = ids[:1, :PROMPT]
            model = load().eval()
            out = model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                do_sample=False,
                max_new_tokens=NEW,
                min_new_tokens=NEW,
                eos_token_id=None,
                pad_token_id=0,
            )
            found |= dict(prompt=prompt[0].tolist(), greedy=out[0, PROMPT:].tolist())
        text = json.dumps(found, separators=(",", ":")).replace('"model.', '\n"model.')
        (directory / "training.json").write_text(text + "\n")
        print(directory.name, loss.item(), found.get("greedy"))


if __name__ == "__main__":
    main()
