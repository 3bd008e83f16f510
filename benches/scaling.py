#!/usr/bin/env python3
"""How a step's cost grows with length, with branches and with the model's size: ours beside PyTorch's strong mode.

  scaling.py --glpft-bench BENCH --model MODEL --peer SFT --python PYTHON --out DIR [--quick] [--set KEY=VALUE]…

Tokens are random, LoRA of rank 16 on all linear layers, f32, one measured step each after a short one to warm up:
  length    one example of 256 … 8192 tokens (where nothing is shared, tree and rows are the same work; tree is run)
  branches  1 … 16 examples of 512 common tokens and 64 of their own each
  size      4 such branches on MODEL (SmolLM2-135M) and on a random Llama of SmolLM2-360M's shape, which PYTHON makes
            in DIR (1.4 GB) once
Planned for about 11 minutes on 2 cores; --quick does the smallest of each in under 2. Prints Markdown, writes
DIR/scaling.svg and scaling.md; finished measurements are kept in DIR/raw."""

import argparse
import random
import sys
from pathlib import Path

from measure import run, table, write_lines
from plot import charts

PREFIX, OWN, SIZE_BRANCHES = 512, 64, 4
LABELLED = 8  # one token in so many is learned
WARM = 64  # tokens of a warm-up example
VOCABULARY = 49_000

RANDOM_MODEL = """
import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM, AutoTokenizer
torch.manual_seed(0)
config = LlamaConfig(vocab_size=49152, hidden_size=960, intermediate_size=2560, num_hidden_layers=32,
    num_attention_heads=15, num_key_value_heads=5, head_dim=64, max_position_embeddings=8192, rms_norm_eps=1e-5,
    rope_theta=100000.0, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=2)
LlamaForCausalLM(config).save_pretrained(sys.argv[2])
AutoTokenizer.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[2])
print('{"made": true}')
"""


def example(generator, prefix, own, trajectory=0):
    ids = prefix + [generator.randrange(3, VOCABULARY) for _ in range(own)]
    learned = max(1, own // LABELLED)
    return {"input_ids": ids, "labels": [-100] * (len(ids) - learned) + ids[-learned:], "trajectory": trajectory}


class Scaling:
    def __init__(self, arguments):
        self.arguments = arguments
        self.out = Path(arguments.out)
        self.lengths = [256, 512] if arguments.quick else [256, 512, 1024, 2048, 4096, 8192]
        self.branches = [1, 2] if arguments.quick else [1, 2, 4, 8, 16]
        self.generator = random.Random(0)
        self.warm = [example(self.generator, [], WARM, number) for number in range(16)]
        write_lines(self.path("warm"), self.warm[:1])

    def path(self, name):
        return self.out / "tokens" / f"{name}.jsonl"

    def peer(self, name, model, rows, batch):
        """Seconds of each step on `rows`, after one step on as many short examples."""
        given = self.arguments
        write_lines(self.path(f"{name}.peer"), self.warm[:batch] + rows)
        command = [given.python, given.peer, "--model", model, "--mode", "strong", "--dtype", "f32", "--lora", 16]
        command += ["--tokens", self.path(f"{name}.peer"), "--batch", batch, "--max-length", 8192]
        result = run(command, self.out / "raw" / f"{name}-strong.json")
        return self.seconds(f"{name} strong", result)

    def ours(self, name, model, packing, files):
        """Seconds of a step on each of `files`."""
        given = self.arguments
        command = [given.glpft_bench, "step", model, self.path("warm"), *files, "--packing", packing, "--lora", 16]
        command += ["--warmup", 0, "--repeat", 1, *(part for setting in given.set for part in ("--set", setting))]
        result = run(command, self.out / "raw" / f"{name}-{packing}.json")
        return self.seconds(f"{name} {packing}", result)

    def seconds(self, what, result):
        if "error" in result:
            print(f"{what} failed: {result['error']}", file=sys.stderr)
            return []
        print(f"{what}: {result['wall_seconds']} s", file=sys.stderr, flush=True)
        # The first step warms up.
        return [line["seconds"] for line in result["lines"] if "step" in line][1:]

    def by_length(self):
        rows = [example(self.generator, [], length, 0) for length in self.lengths]
        for length, row in zip(self.lengths, rows):
            write_lines(self.path(f"length-{length}"), [row])
        files = [self.path(f"length-{length}") for length in self.lengths]
        tree = self.ours("length", self.arguments.model, "tree", files)
        strong = self.peer("length", self.arguments.model, rows, 1)
        return {"glpft": self.points(self.lengths, tree), "PyTorch strong": self.points(self.lengths, strong)}

    def by_branches(self):
        prefix = [self.generator.randrange(3, VOCABULARY) for _ in range(PREFIX)]
        rows = [example(self.generator, prefix, OWN) for _ in range(max(self.branches + [SIZE_BRANCHES]))]
        for count in {*self.branches, SIZE_BRANCHES}:
            write_lines(self.path(f"branches-{count}"), rows[:count])
        files = [self.path(f"branches-{count}") for count in self.branches]
        model = self.arguments.model
        found = {f"glpft {packing}": self.ours("branches", model, packing, files) for packing in ("tree", "rows")}
        found["PyTorch strong"] = [
            seconds
            for count in self.branches
            for seconds in self.peer(f"branches-{count}", model, rows[:count], count)
        ]
        self.rows = rows[:SIZE_BRANCHES]
        return {name: self.points(self.branches, seconds) for name, seconds in found.items()}

    def by_size(self):
        large = self.out / "random-360m"
        if not (large / "model.safetensors").exists():
            command = [self.arguments.python, "-c", RANDOM_MODEL, self.arguments.model, large]
            result = run(command, large / "made.json")
            if "error" in result:
                print(f"the random model failed: {result['error']}", file=sys.stderr)
        found = {}
        for millions, model in ((135, self.arguments.model), (360, large)):
            files = [self.path(f"branches-{SIZE_BRANCHES}")]
            for packing in ("tree", "rows"):
                seconds = self.ours(f"size-{millions}", model, packing, files)
                found.setdefault(f"glpft {packing}", []).extend(self.points([millions], seconds))
            seconds = self.peer(f"size-{millions}", model, self.rows, SIZE_BRANCHES)
            found.setdefault("PyTorch strong", []).extend(self.points([millions], seconds))
        return found

    @staticmethod
    def points(at, seconds):
        # A side that failed has none.
        return list(zip(at, seconds)) if len(seconds) == len(at) else []


def told(first, series):
    """The series as a table, a row a point, with each side's growth from the row before."""
    columns = sorted({at for line in series.values() for at, _ in line})
    rows = []
    for at in columns:
        row = [at]
        for line in series.values():
            seconds = dict(line).get(at)
            row.append("" if seconds is None else f"{seconds:.2f}")
        ours = [dict(line).get(at) for name, line in series.items() if name.startswith("glpft")]
        theirs = dict(series["PyTorch strong"]).get(at)
        row.append(f"{theirs / ours[0]:.2f}" if theirs and ours[0] else "")
        rows.append(row)
    return table([first, *(f"{name}, s" for name in series), "PyTorch : glpft"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glpft-bench", required=True, help="the example `bench`")
    parser.add_argument("--model", required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--python", default="python3")
    parser.add_argument("--out", default="bench-scaling")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()

    scaling = Scaling(arguments)
    length, branches = scaling.by_length(), scaling.by_branches()
    size = {} if arguments.quick else scaling.by_size()
    text = f"A step of one example:\n\n{told('tokens', length)}\n\n"
    text += f"A step of examples that share {PREFIX} tokens and have {OWN} of their own each:\n\n"
    text += told("examples", branches) + "\n"
    if size:
        text += f"\n{SIZE_BRANCHES} such examples:\n\n{told('million parameters', size)}\n"
    panels = [
        {"title": "One example", "x": "tokens", "y": "seconds a step", "series": length},
        {"title": f"{PREFIX} tokens shared, {OWN} each", "x": "examples", "y": "seconds a step", "series": branches},
    ]
    if size:
        title = f"{SIZE_BRANCHES} examples that share"
        panels.append({"title": title, "x": "million parameters", "y": "seconds a step", "series": size})
    (scaling.out / "scaling.svg").write_text(charts(panels), encoding="utf-8")
    (scaling.out / "scaling.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
