#!/usr/bin/env python3
"""The training engine beside PyTorch on the same machine and tokens: every goal's figure, as Markdown.

  engine.py --glpft GLPFT --glpft-bench BENCH --model MODEL --stage1 FILE --long FILE --peer SFT --python PYTHON
            --out DIR [--full] [--only PATTERN] [--set KEY=VALUE]… [--minutes 60] [--list] [--try]

GLPFT is the program and BENCH the example `bench` (`cargo build --release --workspace --examples --bins`); MODEL
SmolLM2-135M-Instruct as a Hugging Face directory; --stage1 and --long what slice.py reads; SFT the PyTorch script
(modes reference, strong, packed), run by PYTHON, which has torch, transformers and peft.

One step is the whole slice (benches/slice.txt): strong, packed and ours make one step to warm up and three that count,
of which the median is taken; reference makes one step of two examples of average length. Sides take turns. The
figure is real tokens (those of the examples) per second. --set changes a key of our recipe in every run of ours, so
that all rows have one setting.

Every finished measurement is kept in DIR/raw, and a start with the same DIR goes on. Without --full a measurement that
would not end within --minutes (of measuring in all) is left out; the list is in the order of what it is needed for.
--list prints the list with its estimated times; --try goes through all of it with two tiny examples, to see that it
works: its figures mean nothing."""

import argparse
import json
import os
import re
import sys
from pathlib import Path

import slice as trajectories
from measure import read_lines, run, steps, table, write_lines

WARMUP, REPEAT, RANK = 1, 3, 16
# Real tokens per second to plan with, from earlier measurements on 2 cores; ours in rows, without sharing.
PACE = {
    ("reference", "f32"): (18, 18),
    ("reference", "bf16"): (30, 30),
    ("strong", "f32"): (125, 106),
    ("strong", "bf16"): (186, 198),
    ("ours", "f32"): (180, 150),
    ("ours", "bf16"): (200, 170),
}
PEERS = ("reference", "strong", "packed")

# What is measured: set, tuning, dtype, mode; the most needed first, the sides in turn.
DEFAULT = [
    ("planner", "lora", "f32", "tree"),
    ("planner", "lora", "f32", "strong"),
    ("planner", "lora", "f32", "rows"),
    ("planner", "lora", "f32", "packed"),
    ("planner", "lora", "bf16", "tree"),
    ("planner", "lora", "bf16", "strong"),
    ("planner", "full", "f32", "tree"),
    ("planner", "full", "f32", "reference"),
    ("planner", "full", "f32", "rows"),
    ("planner", "full", "f32", "strong"),
    ("planner", "full", "bf16", "tree"),
    ("planner", "full", "bf16", "strong"),
    ("planner", "lora", "bf16", "rows"),
    ("planner", "full", "bf16", "reference"),
    ("long", "lora", "f32", "tree"),
    ("long", "lora", "f32", "strong"),
    ("planner", "lora", "bf16", "packed"),
    ("backbone", "lora", "f32", "tree"),
    ("backbone", "lora", "f32", "strong"),
]
FULL = DEFAULT + [
    (name, tune, dtype, mode)
    for name in ("planner", "backbone", "long")
    for dtype in ("f32", "bf16")
    for tune in ("lora", "full")
    for mode in ("tree", "strong", "rows", "packed", "reference")
    if (name, tune, dtype, mode) not in DEFAULT
    and (mode != "reference" or name == "planner")
    and (name != "long" or (tune, dtype) == ("lora", "f32"))
]

TORCH_GEMM = """
import json, time, torch
peak = 0
for m, k, n in [(2048, 1536, 2048), (2048, 2048, 2048), (4096, 576, 1536), (4096, 1536, 576)]:
    a, b = torch.rand(m, k), torch.rand(k, n)
    for _ in range(5):
        t = time.perf_counter(); a @ b; peak = max(peak, 2e-9 * m * k * n / (time.perf_counter() - t))
print(json.dumps({"gemm_gflops": peak}))
"""


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.raw = Path(arguments.out) / "raw"
        self.tokens = Path(arguments.out) / "tokens"
        self.sets = trajectories.write_tokens(arguments, self.tokens)
        if arguments.trial:
            for name in self.sets:
                rows = read_lines(self.tokens / f"{name}.jsonl")[:2]
                rows = [{**row, "input_ids": row["input_ids"][-64:], "labels": row["labels"][-64:]} for row in rows]
                write_lines(self.tokens / f"{name}.jsonl", rows)
        for name in self.sets:
            pair = average_pair(read_lines(self.tokens / f"{name}.jsonl"))
            write_lines(self.tokens / f"{name}.reference.jsonl", pair)
        self.found = {}
        self.gemm = {}
        self.spent = 0.0

    def command(self, name, tune, dtype, mode):
        given = self.arguments
        if mode not in PEERS:
            command = [given.glpft_bench, "step", given.model, self.tokens / f"{name}.jsonl", "--packing", mode]
            command += ["--warmup", WARMUP, "--repeat", REPEAT] + (["--lora", RANK] if tune == "lora" else [])
            settings = given.set + (given.bf16_set if dtype == "bf16" else [])
            return command + [part for setting in settings for part in ("--set", setting)]
        command = [given.python, given.peer, "--model", given.model, "--mode", mode, "--dtype", dtype]
        command += ["--lora", RANK if tune == "lora" else 0, "--max-length", 128 if given.trial else 4096]
        if mode == "reference":
            return command + ["--tokens", self.tokens / f"{name}.reference.jsonl", "--batch", 2]
        examples = len(read_lines(self.tokens / f"{name}.jsonl"))
        return command + ["--tokens", self.tokens / f"{name}.jsonl", "--batch", examples, "--repeat", WARMUP + REPEAT]

    def estimate(self, name, tune, dtype, mode):
        """Seconds that a measurement is expected to take, its start included."""
        one = self.sets[name]
        lora, full = PACE[{"packed": "strong", "tree": "ours", "rows": "ours"}.get(mode, mode), dtype]
        pace = lora if tune == "lora" else full
        if mode == "reference":
            return 15 + 2 * one["tokens"] / one["examples"] / pace
        return 15 + (WARMUP + REPEAT) * one["tokens"] / pace / (one["sharing"] if mode == "tree" else 1)

    def measure(self, what):
        name, tune, dtype, mode = what
        identity = "-".join(what)
        # Within the minute of each measurement of ours, so that the machine's own changes reach both.
        if mode not in PEERS and dtype == "f32":
            self.measure_gemm(identity)
        result = run(self.command(*what), self.raw / f"{identity}.json")
        self.spent += result["wall_seconds"]
        if "error" in result:
            self.found[what] = {"error": result["error"]}
        else:
            self.found[what] = steps(result, 0 if mode == "reference" else WARMUP)
            self.found[what]["load_before"] = result["load_before"]
        told = self.found[what].get("error") or f"{self.found[what]['tokens_per_second']:.1f} real tokens/s"
        print(f"{self.spent / 60:5.1f} min  {identity}: {told}", file=sys.stderr, flush=True)

    def measure_gemm(self, identity):
        sides = {"burn": [self.arguments.glpft_bench, "gemm"], "PyTorch": [self.arguments.python, "-c", TORCH_GEMM]}
        for side, command in sides.items():
            result = run(command, self.raw / f"gemm-{side}-{identity}.json")
            self.spent += result["wall_seconds"]
            if "error" not in result:
                self.gemm[side] = max(self.gemm.get(side, 0), result["lines"][-1]["gemm_gflops"])


def average_pair(rows):
    """The two examples whose mean length is nearest to that of all."""
    lengths = [len(row["input_ids"]) for row in rows]
    mean = sum(lengths) / len(lengths)
    pairs = [(one, other) for one in range(len(rows)) for other in range(one)]
    one, other = min(pairs, key=lambda pair: (abs(lengths[pair[0]] + lengths[pair[1]] - 2 * mean), pair))
    return [rows[one], rows[other]]


def measurements(found):
    """The table of all that was measured."""
    rows = []
    for (name, tune, dtype, mode), one in sorted(found.items()):
        side = "PyTorch" if mode in PEERS else "glpft"
        if "error" in one:
            rows.append([name, tune, dtype, f"{side} {mode}", f"failed: {one['error'][:120]}"] + [""] * 5)
            continue
        spread = "–".join(f"{seconds:.1f}" for seconds in (min(one["all_seconds"]), max(one["all_seconds"])))
        peak = one["peak_rss_gib"]
        rows.append(
            [name, tune, dtype, f"{side} {mode}", one["tokens"], f"{one['computed_tokens']:.0f}"]
            + [f"{one['seconds']:.1f} ({spread})", f"{one['tokens_per_second']:.1f}"]
            + ["" if peak is None else f"{peak:.2f}", f"{one['first_loss']:.5f}"]
        )
    header = ["set", "tuning", "dtype", "side", "real tokens", "computed", "seconds a step (range)", "real tokens/s"]
    return table(header + ["peak GiB", "loss of step 1"], rows)


def goals(found, sets, gemm):
    """The table of the goals: what is compared, both figures, their ratio, the goal, whether it is met."""
    rows = []

    def one(name, tune, dtype, mode, key="tokens_per_second"):
        return found.get((name, tune, dtype, mode), {}).get(key)

    def best(name, tune, dtypes, modes):
        """The fastest of what was measured, with its name and those of what was not."""
        speeds = [(one(name, tune, dtype, mode), f"{mode} {dtype}") for dtype in dtypes for mode in modes]
        fastest, which = max((speed for speed in speeds if speed[0]), default=(None, "none"))
        return fastest, ", without ".join([which, *(what for speed, what in speeds if not speed)])

    def row(what, ours, theirs, goal, at_most=False):
        if not ours or not theirs:
            rows.append([what, "", "", "", f"{'≤' if at_most else '≥'} {goal:.2f}", "not measured"])
            return
        ratio = ours / theirs
        met = ratio <= goal if at_most else ratio >= goal
        figures = [f"{ours:.1f}", f"{theirs:.1f}", f"{ratio:.2f}", f"{'≤' if at_most else '≥'} {goal:.2f}"]
        rows.append([what, *figures, "met" if met else "missed"])

    def measured(names=("planner", "backbone", "long"), dtypes=("f32",)):
        """The sets, tunings and dtypes for which anything was measured."""
        wanted = [(name, tune, dtype) for name in names for tune in ("lora", "full") for dtype in dtypes]
        return [what for what in wanted if any(key[:3] == what for key in found)]

    for name, tune, dtype in measured(("planner",)):
        reference = one(name, tune, dtype, "reference")
        if reference or tune == "full":
            row(f"{name} {tune}: tree f32 : reference f32", one(name, tune, dtype, "tree"), reference, 20)
    for name, tune, dtype in measured(("planner", "backbone"), ("f32", "bf16")):
        tree, plain = one(name, tune, dtype, "tree"), one(name, tune, dtype, "rows")
        if plain or dtype == "f32":
            sharing = sets[name]["sharing"]
            row(f"{name} {tune}: tree {dtype} : rows {dtype} (sharing {sharing:.2f})", tree, plain, 0.9 * sharing)
    for name, tune, _ in measured(("planner", "backbone")):
        rows_f32, strong = one(name, tune, "f32", "rows"), one(name, tune, "f32", "strong")
        row(f"{name} {tune}: rows f32 : strong f32", rows_f32, strong, 1.2)
    for name, tune, _ in measured():
        theirs, which = best(name, tune, ["f32"], ["strong", "packed"])
        goal = 3 if name == "long" else 2
        row(f"{name} {tune}: tree f32 : best of PyTorch in f32 ({which})", one(name, tune, "f32", "tree"), theirs, goal)
    for name, tune, _ in measured(("planner",)):
        ours, ours_is = best(name, tune, ["f32", "bf16"], ["tree"])
        theirs, which = best(name, tune, ["f32", "bf16"], ["strong", "packed"])
        # Without any bf16 of theirs it is not their best of any dtype.
        bf16, _ = best(name, tune, ["bf16"], ["strong", "packed"])
        theirs = theirs if bf16 else None
        row(f"{name} {tune}: our best ({ours_is}) : PyTorch's best ({which})", ours, theirs, 1.3)
        row(f"{name} {tune}: tree bf16 : PyTorch's best ({which})", one(name, tune, "bf16", "tree"), theirs, 2)
    peak = max(gemm.values(), default=None)
    told = ", ".join(f"{side} {speed:.0f}" for side, speed in gemm.items())
    for name, tune, _ in measured():
        for mode in ("tree", "rows"):
            seconds, flops = one(name, tune, "f32", mode, "seconds"), one(name, tune, "f32", mode, "gemm_flops")
            if seconds:
                what = f"{name} {tune}: GFLOP/s of the GEMMs, {mode} f32 : f32 peak ({told})"
                row(what, flops * 1e-9 / seconds, peak, 0.6)
    for name, tune, _ in measured():
        memory = [one(name, tune, "f32", mode, "peak_rss_gib") for mode in ("tree", "strong")]
        row(f"{name} {tune}: peak memory in GiB, tree f32 : strong f32", *memory, 0.6, at_most=True)
    return table(["what", "ours", "theirs", "ratio", "goal", ""], rows)


def same_losses(found):
    """How far the first step's losses are apart, which is before any update: the same work was done."""
    differences = []
    for (name, tune, dtype, mode), one in found.items():
        peer = found.get((name, tune, dtype, "strong"), {}).get("first_loss")
        if mode in ("tree", "rows") and dtype == "f32" and peer and "first_loss" in one:
            differences.append(abs(one["first_loss"] - peer) / peer)
    if not differences:
        return ""
    return f"First step's loss, ours against strong, f32: largest relative difference {max(differences):.1e}.\n"


def machine():
    try:
        models = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        models = []
    return f"{os.cpu_count()} cores ({models[0] if models else 'of unknown kind'})"


def report(bench):
    text = "A TRIAL: the figures mean nothing.\n\n" if bench.arguments.trial else ""
    text += f"{machine()}. Sets: " + "; ".join(f"{name}: {trajectories.told(one)}" for name, one in bench.sets.items())
    loads = [one["load_before"] for one in bench.found.values() if one.get("load_before") is not None]
    if loads:
        # The measurement before counts too, so that about the number of cores is what an idle machine shows.
        text += f".\nLoad average before the measurements: at most {max(loads):.1f}"
    text += f". Measuring took {bench.spent / 60:.0f} minutes.\n" + same_losses(bench.found)
    return f"{text}\n{goals(bench.found, bench.sets, bench.gemm)}\n\n{measurements(bench.found)}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glpft", default="glpft", help="the program")
    parser.add_argument("--glpft-bench", required=True, help="the example `bench`")
    parser.add_argument("--model", required=True)
    parser.add_argument("--stage1", required=True)
    parser.add_argument("--long")
    parser.add_argument("--peer", required=True)
    parser.add_argument("--python", default="python3")
    parser.add_argument("--out", default="bench-engine")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    turns = "what turns ours to bf16; default: stage.precision=bf16"
    parser.add_argument("--bf16-set", action="append", metavar="KEY=VALUE", help=turns)
    parser.add_argument("--full", action="store_true", help="everything, however long it takes")
    parser.add_argument("--only", default="", metavar="PATTERN", help="a regular expression on SET-TUNING-DTYPE-MODE")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--try", action="store_true", dest="trial")
    arguments = parser.parse_args()
    arguments.bf16_set = arguments.bf16_set or ["stage.precision=bf16"]

    bench = Bench(arguments)
    wanted = FULL if arguments.full else DEFAULT
    wanted = [what for what in wanted if re.search(arguments.only, "-".join(what)) and what[0] in bench.sets]
    total = 0.0
    if arguments.list:
        for what in wanted:
            total += bench.estimate(*what)
            print(f"{'-'.join(what):30} {bench.estimate(*what):5.0f} s, {total / 60:5.1f} min in all")
        return
    for what in wanted:
        if not arguments.full and bench.spent + bench.estimate(*what) > 60 * arguments.minutes:
            print(f"left out, not to exceed {arguments.minutes:.0f} minutes: {'-'.join(what)}", file=sys.stderr)
            continue
        bench.measure(what)
    text = report(bench)
    Path(arguments.out, "report.md").write_text(text, encoding="utf-8")
    kept = {"-".join(what): one for what, one in bench.found.items()}
    summary = {"sets": bench.sets, "gemm_gflops": bench.gemm, "measurements": kept}
    Path(arguments.out, "report.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
