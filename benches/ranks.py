#!/usr/bin/env python3
"""Two ranks of one thread beside one rank of two threads: time of a step, and how much of it the ranks do not compute.

    benches/ranks.py GLPFT MODEL SOURCE [--steps N] [--repeat N] [--set KEY=VALUE]… [--mpirun COMMAND]

GLPFT is a program built with `--features mpi`, MODEL a Hugging Face directory, SOURCE trajectories. The backbone is trained for
N steps with LoRA (`smollm2-135m-lora`) and whole (`smollm2-135m`), once in one process with two threads and once in two
processes with one thread each, taking turns; the first step is not counted.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glpft", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--recipe", action="append")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--mpirun", default="mpirun --bind-to core")
    arguments = parser.parse_args()
    root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    mpirun = [*arguments.mpirun.split(), *root, "-n", "2"]
    settings = ["data.validation_fraction=0", *arguments.set, f"data.source={arguments.source}", f"model.base={arguments.model}"]
    for recipe in arguments.recipe or ["smollm2-135m-lora", "smollm2-135m"]:
        seconds = {1: [], 2: []}
        waiting, uneven, losses = [], [], {1: [], 2: []}
        with tempfile.TemporaryDirectory() as folder:
            for turn in range(arguments.repeat):
                for ranks, start, threads in [(1, [], 2), (2, mpirun, 1)]:
                    out = pathlib.Path(folder) / f"{ranks}-{turn}"
                    command = [*start, arguments.glpft, "train", recipe, "--stage=global", "--quiet", f"--max-steps={arguments.steps}"]
                    command += [f"--threads={threads}", f"--out={out}", *(f"--set={one}" for one in settings)]
                    subprocess.run(command, check=True)
                    lines = (out / "stages/global/train_log.jsonl").read_text(encoding="utf-8").splitlines()
                    steps = [step for step in map(json.loads, lines) if "loss" in step]
                    losses[ranks] = [step["loss"] for step in steps]
                    for step in steps[1:]:
                        seconds[ranks].append(step["seconds"])
                        if ranks == 2:
                            waiting.append(1 - max(step["rank_seconds"]) / step["seconds"])
                            uneven.append(min(step["rank_seconds"]) / max(step["rank_seconds"]))
        one, two = (statistics.median(seconds[ranks]) for ranks in (1, 2))
        apart = max(abs(a - b) for a, b in zip(losses[1], losses[2]))
        print(
            f"{recipe:20} 1 rank, 2 threads {one:7.2f} s   2 ranks, 1 thread {two:7.2f} s   ratio {two / one:.2f}   "
            f"exchange and update {100 * statistics.median(waiting):.1f} %   faster rank computes {100 * statistics.median(uneven):.0f} % as long   losses apart by {apart:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
