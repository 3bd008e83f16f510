#!/usr/bin/env python3
"""Adapters on weights that are held in fewer bits: held-out loss, time of a step and memory, by `model.weights`.

    benches/frozen_weights.py GLPFT MODEL SOURCE [--steps N] [--repeat N] [--set KEY=VALUE]…

MODEL is a Hugging Face directory, SOURCE trajectories. The backbone is trained for N steps by `smollm2-135m-lora` with each type of
weights, taking turns; the first step's time is not counted. Memory is the most that the process had allocated.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

KINDS = {
    "f32": ["model.weights=f32"],
    "bf16": ["model.weights=bf16"],
    "int8": ["model.weights=int8"],
    "nf4": ["model.weights=nf4"],
    "nf4, double": ["model.weights=nf4", "model.double_quantization=true"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glpft", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    settings = [*arguments.set, f"data.source={arguments.source}", f"model.base={arguments.model}"]
    found = {kind: {"seconds": [], "memory": 0} for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(arguments.repeat):
            for number, (kind, held) in enumerate(KINDS.items()):
                out = pathlib.Path(folder) / f"{turn}-{number}"
                command = [arguments.glpft, "train", "smollm2-135m-lora", "--stage=global", "--quiet", f"--max-steps={arguments.steps}"]
                command += [f"--out={out}", *(f"--set={one}" for one in [*settings, *held])]
                subprocess.run(command, check=True)
                log = (out / "stages/global/train_log.jsonl").read_text(encoding="utf-8").splitlines()
                records = list(map(json.loads, log))
                steps = [record for record in records if "loss" in record]
                validations = [record["validation_loss"] for record in records if "validation_loss" in record]
                of_kind = found[kind]
                of_kind["seconds"] += [step["seconds"] for step in steps[1:]]
                of_kind["memory"] = max(of_kind["memory"], *(step["memory"] for step in steps))
                of_kind["losses"] = validations[0], validations[-1]
    print("| weights | held-out loss before | after | step, median s | beside f32 | memory, GiB |")
    print("|---|---|---|---|---|---|")
    whole = statistics.median(found["f32"]["seconds"])
    for kind, of_kind in found.items():
        seconds = statistics.median(of_kind["seconds"])
        before, after = of_kind["losses"]
        print(f"| {kind} | {before:.4f} | {after:.4f} | {seconds:.2f} | {seconds / whole:.2f} | {of_kind['memory'] / 2**30:.2f} |")


if __name__ == "__main__":
    main()
