#!/usr/bin/env python3
"""The fixed slice of whole real trajectories that benches/engine.py trains on: benches/slice.txt.

  slice.py tokens --glpft GLPFT --model MODEL --stage1 FILE [--long FILE] --out DIR
      writes DIR/SET.jsonl for each set of slice.txt ({"input_ids", "labels", "trajectory"} a line) and prints each
      set's sharing factor: real tokens by the nodes of the trajectories' prefix trees. Ends with an error where the
      source or the tokens are not what slice.txt says. Sets whose source is not given are left out.
  slice.py choose --glpft GLPFT --model MODEL --stage1 FILE --long FILE
      prints a slice.txt.

MODEL is SmolLM2-135M-Instruct; --stage1 is the stage-1 file of α-UMi's train-example (20 trajectories), --long the
conversations of its out-of-domain test set (300). The tokens are those of `glpft data export … --tokens` with the
recipe smollm2-135m-lora, the last 4096 tokens of an over-long example staying.

How `choose` chooses. Over-long examples are rare and large, so they are apportioned first: their number for each token
of planner and backbone, times the tokens wanted of both; they go to the two sets by largest remainder. A set is then
that group of whole trajectories with so many over-long examples and 9 000 to 13 000 tokens which is most like all 20:
least |ln| of (tokens : 10 000) plus that of (sharing : sharing of all) plus that of (mean length : mean length of all).
The set `long` is for the goal that asks for much sharing: of the 100 longest conversations, the planner's with the
fewest tokens whose sharing is 3 or more."""

import argparse
import hashlib
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

SLICE = Path(__file__).with_name("slice.txt")
MAX_LENGTH = 4096
WANTED, LEAST, MOST = 10_000, 9_000, 13_000
COLUMNS = "set dataset source index instruction_sha256 examples tokens tree_tokens over_long".split()


def export(arguments, record, dataset):
    """The token lines of one record of a source."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.json"
        source.write_text(json.dumps([record]), encoding="utf-8")
        subprocess.run(
            [arguments.glpft, "data", "export", "smollm2-135m-lora", "--tokens", "--quiet"]
            + ["--to", Path(folder) / "out"]
            + [f"--set=data.source={source}", f"--set=model.base={arguments.model}"]
            + ["--set=data.truncate=last", f"--set=stage.max_length={MAX_LENGTH}", "--set=data.validation_fraction=0"],
            check=True,
        )
        text = (Path(folder) / "out" / f"train_{dataset}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def tree_tokens(rows):
    """The nodes of the rows' prefix tree."""
    nodes, before = 0, []
    for row in sorted(row["input_ids"] for row in rows):
        shared = 0
        while shared < min(len(before), len(row)) and before[shared] == row[shared]:
            shared += 1
        nodes += len(row) - shared
        before = row
    return nodes


def entry(name, dataset, source, index, record, rows):
    return {
        "set": name,
        "dataset": dataset,
        "source": source,
        "index": index,
        "instruction_sha256": hashlib.sha256(record["instruction"].encode()).hexdigest()[:16],
        "examples": len(rows),
        "tokens": sum(len(row["input_ids"]) for row in rows),
        "tree_tokens": tree_tokens(rows),
        # What is cut to the longest length; an example that has it without being cut is counted too.
        "over_long": sum(len(row["input_ids"]) == MAX_LENGTH for row in rows),
    }


def read_slice():
    lines = [line.split() for line in SLICE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    texts = ("set", "dataset", "source", "instruction_sha256")
    read = lambda key, text: text if key in texts else int(text)
    return [{key: read(key, text) for key, text in zip(COLUMNS, line)} for line in lines]


def sources(arguments):
    """The records of each source given, by the name that slice.txt has for it."""
    paths = {"train-example": arguments.stage1, "out-of-domain": arguments.long}
    return {name: json.loads(Path(path).read_text(encoding="utf-8")) for name, path in paths.items() if path}


def summary(name, entries):
    total = {key: sum(one[key] for one in entries) for key in ("examples", "tokens", "tree_tokens", "over_long")}
    return {"set": name, "trajectories": len(entries), **total, "sharing": total["tokens"] / total["tree_tokens"]}


def write_tokens(arguments, out):
    """Writes each set's tokens and gives their summaries."""
    found, rows_of = {}, {}
    records = sources(arguments)
    for expected in read_slice():
        name, source, index = expected["set"], expected["source"], expected["index"]
        if source not in records:
            continue
        if index >= len(records[source]):
            sys.exit(f"error: {source} has no record {index}; give the file that slice.txt was chosen from")
        record = records[source][index]
        rows = export(arguments, record, expected["dataset"])
        is_now = entry(name, expected["dataset"], source, index, record, rows)
        if is_now != expected:
            sys.exit(f"error: slice.txt says {expected}\nbut it is    {is_now}")
        found.setdefault(name, []).append(is_now)
        rows_of.setdefault(name, []).extend({**row, "trajectory": index} for row in rows)
    Path(out).mkdir(parents=True, exist_ok=True)
    for name, rows in rows_of.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (Path(out) / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return {name: summary(name, entries) for name, entries in found.items()}


def most_like(entries, over_long):
    """The group of entries that is most like all of them (see above)."""
    whole = summary("", entries)
    mean = lambda group: group["tokens"] / group["examples"]
    best = (math.inf, [])

    def distance(group):
        one = summary("", group)
        ratios = one["tokens"] / WANTED, one["sharing"] / whole["sharing"], mean(one) / mean(whole)
        return sum(abs(math.log(ratio)) for ratio in ratios)

    def visit(start, group, tokens, cut):
        nonlocal best
        if tokens >= LEAST and cut == over_long:
            best = min(best, (distance(group), group), key=lambda found: found[0])
        for at in range(start, len(entries)):
            one = entries[at]
            if tokens + one["tokens"] <= MOST and cut + one["over_long"] <= over_long:
                visit(at + 1, group + [one], tokens + one["tokens"], cut + one["over_long"])

    visit(0, [], 0, 0)
    return best[1]


def choose(arguments):
    records = sources(arguments)
    made = {}
    for dataset in ("planner", "backbone"):
        made[dataset] = [
            entry(dataset, dataset, "train-example", index, record, export(arguments, record, dataset))
            for index, record in enumerate(records["train-example"])
        ]
    both = made["planner"] + made["backbone"]
    share = lambda entries: sum(one["over_long"] for one in entries) / sum(one["tokens"] for one in entries)
    quotas = {dataset: share(entries) * WANTED for dataset, entries in made.items()}
    total = round(share(both) * 2 * WANTED)
    cut = {dataset: int(quota) for dataset, quota in quotas.items()}
    for dataset in sorted(quotas, key=lambda dataset: cut[dataset] - quotas[dataset])[: total - sum(cut.values())]:
        cut[dataset] += 1
    chosen = [one for dataset, entries in made.items() for one in most_like(entries, cut[dataset])]

    conversations = list(enumerate(records["out-of-domain"]))
    conversations.sort(key=lambda pair: -len(pair[1]["conversations"]))
    long = [
        entry("long", "planner", "out-of-domain", index, record, export(arguments, record, "planner"))
        for index, record in conversations[:100]
    ]
    shared = [one for one in long if one["tokens"] >= 3 * one["tree_tokens"]]
    chosen.append(min(shared, key=lambda one: one["tokens"]))

    print("# The whole real trajectories that benches/engine.py trains on, by index in their file (from 0).")
    print(f"# Chosen by benches/slice.py: tokens of SmolLM2-135M-Instruct, at most {MAX_LENGTH}, the last ones staying.")
    for name, entries in [("all of planner", made["planner"]), ("all of backbone", made["backbone"])] + [
        (name, [one for one in chosen if one["set"] == name]) for name in ("planner", "backbone", "long")
    ]:
        one = summary(name, entries)
        print(f"# {name}: {told(one)}")
    print("# " + " ".join(COLUMNS))
    for one in chosen:
        print(*(one[key] for key in COLUMNS))


def told(one):
    trajectories = "1 trajectory" if one["trajectories"] == 1 else f"{one['trajectories']} trajectories"
    return (
        f"{trajectories}, {one['examples']} examples ({one['over_long']} over-long), "
        f"{one['tokens']} tokens, sharing {one['sharing']:.3f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["tokens", "choose"])
    parser.add_argument("--glpft", default="glpft", help="the program")
    parser.add_argument("--model", required=True)
    parser.add_argument("--stage1", required=True)
    parser.add_argument("--long")
    parser.add_argument("--out", help="where tokens are written")
    arguments = parser.parse_args()
    if arguments.command == "choose":
        if not arguments.long:
            parser.error("choose needs --long")
        choose(arguments)
        return
    if not arguments.out:
        parser.error("tokens needs --out")
    for name, one in write_tokens(arguments, arguments.out).items():
        print(f"{name}: {told(one)}")


if __name__ == "__main__":
    main()
