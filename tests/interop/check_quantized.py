#!/usr/bin/env python3
"""Trains adapters on frozen weights in fewer bits here and in PyTorch, and compares the losses of each step and the adapters.

    check_quantized.py COMPARE MODEL TOKENS [--steps N]

COMPARE is the example of that name (`cargo build --release --example compare`), TOKENS a file of `glpft data export --tokens`. NF4 is
bitsandbytes' own. With double quantization its codes are, too, but each scale gets the nearest of the 256 numbers: on a CPU
bitsandbytes takes the one beside it for some 0.2 % of them. bfloat16 and 8-bit blocks are made here. Needs torch, transformers, peft and
bitsandbytes. Exits 1 where a loss differs by more than 5e-4 of itself, or an adapter by more than 1 % of its change.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import peft
import torch
import transformers
from bitsandbytes import functional
from safetensors.torch import load_file

LOSS, CHANGE, LR = 5e-4, 1e-2, 1e-3
KINDS = {
    "bf16": ["model.weights=bf16"],
    "int8": ["model.weights=int8"],
    "nf4": ["model.weights=nf4"],
    "nf4 double": ["model.weights=nf4", "model.double_quantization=true"],
}


def in_blocks(weight):
    """Whole numbers of 8 bits with a scale for each 64, and back."""
    blocks = weight.reshape(-1, 64)
    scales = blocks.abs().amax(dim=1, keepdim=True).clamp(min=1e-38)
    return ((blocks * (1 / scales)).clamp(-1, 1) * 127).round().div(127).mul(scales).reshape(weight.shape)


def doubly(weight):
    """NF4 and back, with scales in 8 bits."""
    codes, state = functional.quantize_4bit(weight, blocksize=64, quant_type="nf4")
    mean = state.absmax.double().mean().float()
    numbers = functional.create_dynamic_map()
    between = (numbers[:-1] + numbers[1:]) / 2
    scales = []
    for part in (state.absmax - mean).split(256):
        scale = part.abs().max()
        scales.append(numbers[torch.bucketize((part * (1 / scale)).clamp(-1, 1), between)] * scale + mean)
    state.absmax = torch.cat(scales)
    return functional.dequantize_4bit(codes, state).reshape(weight.shape)


def base_model(kind, path):
    if kind == "nf4":
        settings = transformers.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32
        )
        return transformers.AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.float32, quantization_config=settings, device_map={"": "cpu"}
        )
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    held_as = {"bf16": lambda weight: weight.bfloat16().float(), "int8": in_blocks, "nf4 double": doubly}[kind]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("_proj.weight"):
                parameter.copy_(held_as(parameter))
    return model


def train(kind, path, out, batch, steps):
    """The losses in PyTorch, and the adapter."""
    model = peft.PeftModel.from_pretrained(base_model(kind, path), out / "initial", is_trainable=True)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    rows = [json.loads(line) for line in open(out / "order.jsonl", encoding="utf-8")]
    losses = []
    for step in range(steps):
        of_step = rows[step * batch : (step + 1) * batch]
        count = sum(label != -100 for row in of_step for label in row["labels"][1:])
        total = 0.0
        for row in of_step:
            ids, labels = torch.tensor([row["input_ids"]]), torch.tensor(row["labels"][1:])
            logits = model(input_ids=ids).logits[0, :-1].float()
            loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum") / count
            loss.backward()
            total += float(loss.detach())
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    return losses, {name.replace(".default.", "."): value for name, value in model.state_dict().items() if "lora_" in name}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compare", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("tokens", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--kind", action="append", choices=KINDS, help="one of them alone")
    arguments = parser.parse_args()
    failed = False
    for kind in arguments.kind or KINDS:
        settings = KINDS[kind]
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            command = [arguments.compare, "train", arguments.model, arguments.tokens, out, f"--lr={LR}", "--lora=8", "--batch=2"]
            command += [f"--steps={arguments.steps}", *(f"--set={one}" for one in settings)]
            subprocess.run(command, check=True)
            log = (out / "stage/train_log.jsonl").read_text(encoding="utf-8").splitlines()
            ours = [record["loss"] for record in map(json.loads, log) if "loss" in record]
            theirs, adapter = train(kind, arguments.model, out, 2, arguments.steps)
            of_loss = max(abs(one - other) / abs(other) for one, other in zip(ours, theirs, strict=True))
            (start,), (end,) = (list((out / name).glob("*.safetensors")) for name in ("initial", "final"))
            start, end = load_file(start), load_file(end)
            apart = sum(float((end[name] - adapter[name]).double().square().sum()) for name in end)
            change = sum(float((adapter[name] - start[name]).double().square().sum()) for name in end)
            of_change = (apart / change) ** 0.5
            good = of_loss <= LOSS and of_change <= CHANGE
            failed |= not good
            print(
                f"{kind:10} loss {ours[0]:.6f} to {ours[-1]:.6f}, farthest from PyTorch's {of_loss:.1e}; "
                f"adapters {of_change:.1e} of their change" + ("" if good else "  FAILED"),
                flush=True,
            )
    sys.exit(failed)


if __name__ == "__main__":
    main()
