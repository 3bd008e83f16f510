#!/usr/bin/env python3
"""The tables of docs/study.md: summary.py OUT [--against STUDY/ARRANGEMENT]

OUT is what compare.sh wrote: a world and some studies. The first table has a row for each arrangement of each study: computed tokens
of a seed, the share of tasks that were passed, and how far it is above the arrangement to compare with, on the same tasks and seeds.
In brackets are 95 % bootstrap intervals that draw seeds and tasks; with three seeds they are rather too narrow, and with fewer there
are none. The second table says where tasks are lost; a failed task counts once, by the first of these that holds:

  not given up  nothing could be done, and it was not given up
  gave up       it could be done, and it was given up
  name          a call named no function
  no end        four steps, the most that a chain has, did not suffice
  plan          a function that the known solution calls was never called
  argument      it was called, but not with that solution's arguments
  answer        every call of the known solution was made, and the answer is wrong

A task may have other solutions than the known one. `repeated` counts calls that had been made before, with the same arguments, and had
been answered.
"""

import argparse
import collections
import json
import pathlib
import random

KINDS = ["not given up", "gave up", "name", "no end", "plan", "argument", "answer"]
RESAMPLES = 2000
# Fewer say nothing about the spread over seeds.
SEEDS = 3


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def arguments(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def lost(rollout, truth):
    """The reason why a failed task was lost."""
    if not truth["solvable"]:
        return "not given up"
    if rollout["end"] == "give_up":
        return "gave up"
    calls = [step for step in rollout["path"] if step["function"] != "Finish"]
    if any("No such function name" in step["observation"] for step in calls):
        return "name"
    if rollout["end"] != "answer":
        return "no end"
    called = {step["function"] for step in calls}
    if any(call["function"] not in called for call in truth["calls"]):
        return "plan"
    made = [(step["function"], arguments(step["arguments"])) for step in calls]
    if any((call["function"], call["arguments"]) not in made for call in truth["calls"]):
        return "argument"
    return "answer"


def repeated(rollout):
    """Calls that had been made, with the same arguments, and had been answered."""
    seen, count = set(), 0
    for step in rollout["path"]:
        call = (step["function"], step["arguments"])
        count += call in seen
        if step["code"] == 0:
            seen.add(call)
    return count


class Arrangement:
    """What an arrangement did with each seed's tasks."""

    def __init__(self):
        # Seed → task → passed.
        self.passed = {}
        self.tokens = []
        self.counts = collections.Counter()

    def add(self, cell, truth):
        """A cell's evaluation: CELL/eval/NAME of a seed."""
        verdicts = {verdict["task"]: verdict["passing"]["passed"] for verdict in lines(cell / "verdicts.jsonl")}
        self.passed[cell.parts[-4]] = verdicts
        stages = json.loads((cell.parents[1] / "summary.json").read_text(encoding="utf-8"))["stages"]
        self.tokens.append(sum(stage["computed_tokens"] for stage in stages))
        for rollout in lines(cell / "rollouts.jsonl"):
            self.counts["tasks"] += 1
            self.counts["repeated"] += repeated(rollout)
            passed = verdicts[rollout["task"]]
            self.counts["passed" if passed else lost(rollout, truth[rollout["task"]]["truth"])] += 1


def interval(value, seeds, tasks):
    """The 95 % interval of the mean of `value(seed, task)`, in percent."""
    draw = random.Random(1)
    means = []
    for _ in range(RESAMPLES):
        some = draw.choices(tasks, k=len(tasks))
        means.append(sum(value(seed, task) for seed in draw.choices(seeds, k=len(seeds)) for task in some))
    means.sort()
    at = lambda share: 100 * means[int(share * RESAMPLES)] / (len(seeds) * len(tasks))
    mean = 100 * sum(value(seed, task) for seed in seeds for task in tasks) / (len(seeds) * len(tasks))
    return mean, (at(0.025), at(0.975)) if len(seeds) >= SEEDS else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--against", default="arrangements/single-equal-tokens")
    parsed = parser.parse_args()
    truth = json.loads((parsed.out / "world/truth.json").read_text(encoding="utf-8"))["tasks"]
    found = collections.defaultdict(Arrangement)
    # OUT/STUDY/runs/BASE/SHARE/seed-N/ARRANGEMENT/eval/NAME
    for done in sorted(parsed.out.glob("*/runs/*/*/*/*/eval/*/live.json")):
        cell = done.parent
        found[f"{done.relative_to(parsed.out).parts[0]}/{cell.parts[-3]}"].add(cell, truth)
    against = found.get(parsed.against)
    print(f"| arrangement | seeds | M tokens | passed, % | above {parsed.against} |\n|---|---:|---:|---:|---:|")
    for name, one in found.items():
        seeds, tasks = sorted(one.passed), sorted(next(iter(one.passed.values())))
        mean, limits = interval(lambda seed, task: one.passed[seed][task], seeds, tasks)
        row = f"| {name} | {len(seeds)} | {sum(one.tokens) / len(one.tokens) / 1e6:.2f} | {mean:.1f}"
        row += f" ({limits[0]:.0f} to {limits[1]:.0f}) |" if limits else " |"
        both = [seed for seed in seeds if against and seed in against.passed]
        if both and one is not against:
            mean, limits = interval(lambda seed, task: one.passed[seed][task] - against.passed[seed][task], both, tasks)
            row += f" {mean:+.1f}" + (f" ({limits[0]:+.0f} to {limits[1]:+.0f})" if limits else f" on {len(both)} of the seeds")
        print(row + " |")
    columns = ["tasks", "passed", *KINDS, "repeated"]
    print("\n| arrangement | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    for name, one in found.items():
        print(f"| {name} | " + " | ".join(str(one.counts[column]) for column in columns) + " |")


if __name__ == "__main__":
    main()
