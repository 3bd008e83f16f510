#!/usr/bin/env python3
"""Three role adapters that wake, trained in one pass, beside plain adapters one after the other: time, memory, operations.

    benches/roles.py GLPFT BENCH MODEL SOURCE [--repeat N] [--set KEY=VALUE]… [--peer PYTHON] [--peer-examples N]

GLPFT is the program, BENCH `cargo build --release --example bench`, MODEL a Hugging Face directory, SOURCE trajectories. Both
recipes (`smollm2-135m-roles`, `smollm2-135m-lora`) train the three local stages for one epoch, straight from MODEL, without
dropout; they take turns. Time is the sum of the steps' seconds, memory the most that the process held. With --peer, PyTorch and
PEFT train the same examples of each role with the same waking adapters, the first N of each, a row at a time.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

ROLES = ["planner", "caller", "summarizer"]
SETTINGS = ["arrangement=one-stage", "data.validation_fraction=0", "stage.lora.dropout=0.0", "stage.summarizer.epochs=1"]


def sets(arguments):
    return [f"--set={one}" for one in SETTINGS + [f"data.source={arguments.source}", f"model.base={arguments.model}"] + arguments.set]


def trained(arguments, recipe, run):
    """Steps of the three stages, and the most bytes held."""
    command = [arguments.glpft, "run", recipe, f"--out={run}", "--quiet", *sets(arguments)]
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: status {status}")
    found = {"seconds": 0.0, "tokens": 0, "computed": 0, "bytes": usage.ru_maxrss * 1024, "losses": {}}
    for role in ROLES:
        for line in (run / "stages" / role / "train_log.jsonl").read_text(encoding="utf-8").splitlines():
            step = json.loads(line)
            if "tokens" in step:
                found["seconds"] += step["seconds"]
                found["tokens"] += step["tokens"]
                found["computed"] += step["computed_tokens"]
                found["losses"].setdefault(role, []).append(step["loss"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glpft")
    parser.add_argument("bench")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--peer")
    parser.add_argument("--peer-examples", type=int, default=4)
    arguments = parser.parse_args()
    waking, plain = "smollm2-135m-roles", "smollm2-135m-lora"
    work = {}
    for recipe in [waking, plain]:
        command = [arguments.bench, "stages", recipe, *sets(arguments)]
        work[recipe] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(json.dumps(work[recipe]), flush=True)
    runs = {waking: [], plain: []}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for turn in range(arguments.repeat):
            for recipe in [waking, plain]:
                found = trained(arguments, recipe, folder / f"{recipe}-{turn}")
                runs[recipe].append(found)
                print(f"{recipe:20} {found['seconds']:8.1f} s  {found['bytes'] / 1e9:5.2f} GB", flush=True)
        if arguments.peer:
            command = [arguments.glpft, "data", "export", waking, "--tokens", f"--to={folder / 'tokens'}", "--quiet", *sets(arguments)]
            subprocess.run(command, check=True)
            peer = pathlib.Path(__file__).with_name("roles_peer.py")
            tokens = [str(folder / "tokens" / f"train_{role}.jsonl") for role in ROLES]
            command = [arguments.peer, str(peer), str(arguments.model), *tokens, f"--examples={arguments.peer_examples}"]
            subprocess.run(command, check=True)
    median = {
        recipe: {key: statistics.median(run[key] for run in found) for key in ["seconds", "tokens", "bytes"]}
        for recipe, found in runs.items()
    }
    for recipe, found in median.items():
        rate = found["tokens"] / found["seconds"]
        flops = work[recipe]["flops"]
        print(
            f"{recipe:20} {found['seconds']:8.1f} s  {rate:7.1f} tokens/s  {found['bytes'] / 1e9:5.2f} GB  "
            f"{flops / 1e12:7.2f} Tflop  {flops / found['seconds'] / 1e9:6.1f} Gflop/s"
        )
    time = median[plain]["seconds"] / median[waking]["seconds"]
    asked = work[plain]["flops"] / work[waking]["flops"]
    memory = median[waking]["bytes"] / median[plain]["bytes"]
    print(f"time {time:.2f} times less, operations {asked:.2f} times less: {time / asked:.2f} of it; memory {memory:.2f}")


if __name__ == "__main__":
    main()
