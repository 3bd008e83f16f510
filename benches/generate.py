#!/usr/bin/env python3
"""Answers beside transformers' `generate` on the same machine and prompts, as Markdown.

  generate.py --bench BENCH --model MODEL --tokens TOKENS --python PYTHON --out DIR [--trajectories 20]
              [--new-tokens 32] [--prompt-tokens 3750] [--repeat 3] [--alone]

BENCH is the example `bench`; TOKENS a file of `glpft data export --tokens`, of whose examples the first trajectories'
are taken (lines that begin alike are of one trajectory); PYTHON has torch and transformers.

Sides take turns, each measurement a process of its own; medians count, loading does not. Ours answers the prompts of
four trajectories together, as `glpft eval static` does, and forgets them. What comes before an answer's first token is
the prefill, the rest the decoding. With --alone it also answers without the prefix cache and one prompt at a time, as
transformers works here. transformers suppresses the end of sequence and ours goes on after it, so that the answers are
equal only where none comes up."""

import argparse
import json
import statistics
import sys
from pathlib import Path

from measure import read_lines, run, table, write_lines


def trajectories(lines):
    """The examples in groups: one that shares less than a third with its neighbour begins a new one."""
    groups, before = [], []
    for line in lines:
        ids = line["input_ids"]
        shared = next((at for at, (a, b) in enumerate(zip(before, ids)) if a != b), min(len(before), len(ids)))
        if not groups or shared < min(len(before), len(ids)) / 3:
            groups.append([])
        groups[-1].append({**line, "trajectory": len(groups) - 1})
        before = ids
    return groups


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokens", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--out", default="bench-generate")
    parser.add_argument("--trajectories", type=int, default=20)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--prompt-tokens", type=int, default=3750)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    arguments = parser.parse_args()
    out = Path(arguments.out)
    groups = trajectories(read_lines(arguments.tokens))[: arguments.trajectories]
    tokens = out / "prompts.jsonl"
    write_lines(tokens, [line for group in groups for line in group])
    peer = Path(__file__).with_name("generate_peer.py")
    ours = [arguments.bench, "generate", arguments.model, tokens, "--ids"]
    sides = {
        "transformers": [arguments.python, peer, arguments.model, tokens],
        "ours": ours,
    }
    if arguments.alone:
        sides["ours, alone"] = [*ours, "--alone", "--batch", 1]
    found = {side: [] for side in sides}
    limits = ["--new-tokens", arguments.new_tokens, "--prompt-tokens", arguments.prompt_tokens]
    for turn in range(arguments.repeat):
        for side in sides:
            keep = out / "raw" / f"{side.replace(', ', '-')}-{turn}.json"
            result = run([*sides[side], *limits], keep)
            if "error" in result:
                sys.exit(f"error: {side}: {result['error']}")
            found[side].append(result["lines"][-1])
    rows, base = [], None
    for side in sides:
        all_of = found[side]
        prefill, total = (statistics.median(line[key] for line in all_of) for key in ("prefill_seconds", "seconds"))
        one = all_of[0]
        base = base or total
        decoded = one["new_tokens"] - one["prompts"]
        rates = [one["prompt_tokens"] / prefill, decoded / (total - prefill)]
        cells = [one["prompt_tokens"] - one["cached_tokens"], f"{prefill:.2f}", *(f"{rate:.0f}" for rate in rates)]
        spread = f"{min(line['seconds'] for line in all_of):.2f} … {max(line['seconds'] for line in all_of):.2f}"
        rows.append([side, *cells, f"{total:.2f} ({spread})", f"{base / total:.1f}×"])
    one = found["ours"][0]
    header = ["", "prompt tokens computed", "prefill s", "prompt tokens/s", "decoded tokens/s", "all, s", "against transformers"]
    answers = {side: found[side][0]["ids"] for side in sides}
    equal = sum(a == b for a, b in zip(answers["transformers"], answers["ours"]))
    text = f"{one['prompts']} prompts, {one['prompt_tokens']} tokens; {one['new_tokens']} new ones; "
    text += f"{equal} answers of ours are transformers'.\n\n{table(header, rows)}\n"
    (out / "generate.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
