#!/usr/bin/env python3
"""Sampling by trajectory against sampling by example: the same data, epochs and seed, the losses at the end.

  sampling.py --glpft GLPFT --model MODEL --stage1 FILE --out DIR [--set KEY=VALUE]…

Trains the global stage of smollm2-135m-lora twice, with data.sampling=trajectory and =example: one epoch, batches of 4,
examples of at most 1024 tokens, a fifth of the queries held out. By trajectory, a step takes whole trajectories until
it has 4 examples, so it makes fewer and larger steps. --set changes a key of both. A run that is finished is not run
again. Planned for 5 to 10 minutes on 2 cores. Prints Markdown."""

import argparse
import subprocess
import sys
from pathlib import Path

from measure import read_lines, table

SETTINGS = [
    "stage.epochs=1",
    "stage.batch=4",
    "stage.max_length=1024",
    "data.validation_fraction=0.2",
]


def train(arguments, sampling):
    """The stage's log."""
    out = Path(arguments.out) / sampling
    settings = SETTINGS + [f"data.source={arguments.stage1}", f"model.base={arguments.model}"] + arguments.set
    settings.append(f"data.sampling={sampling}")
    command = [arguments.glpft, "train", "smollm2-135m-lora", "--stage", "global", "--quiet", "--out", str(out)]
    log = out / "stages" / "global" / "train_log.jsonl"
    if not (out / "models" / "global").exists():
        done = subprocess.run(command + [f"--set={setting}" for setting in settings])
        if done.returncode != 0:
            sys.exit(f"error: training by {sampling} failed")
    return read_lines(log)


def row(sampling, log):
    steps = [line for line in log if "loss" in line]
    losses = [line["validation_loss"] for line in log if "validation_loss" in line]
    total = {key: sum(line[key] for line in steps) for key in ("examples", "tokens", "computed_tokens", "seconds")}
    sharing = total["tokens"] / total["computed_tokens"]
    figures = [len(steps), total["examples"], total["tokens"], total["computed_tokens"], f"{sharing:.2f}"]
    figures.append(f"{total['seconds']:.0f}")
    return [sampling, *figures, f"{losses[0]:.4f}", f"{losses[-1]:.4f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glpft", default="glpft", help="the program")
    parser.add_argument("--model", required=True)
    parser.add_argument("--stage1", required=True)
    parser.add_argument("--out", default="bench-sampling")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    rows = [row(sampling, train(arguments, sampling)) for sampling in ("trajectory", "example")]
    header = ["sampling by", "steps", "examples", "tokens", "computed", "sharing", "seconds"]
    text = table(header + ["validation loss before", "after"], rows) + "\n"
    Path(arguments.out, "sampling.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
