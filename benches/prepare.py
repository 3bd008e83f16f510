#!/usr/bin/env python3
"""MB of text per second of one core: `glpft prepare` against the Python `tokenizers` package encoding the same text.

    benches/prepare.py GLPFT SOURCE MODEL [--examples N]

GLPFT is the program, SOURCE holds answer/ and test_query_ids/, MODEL a Hugging Face directory. The text is what training
reads: prompt and target of every example of the four datasets. Python only encodes it, in batches of 256, with one
thread; what it takes to read answers and to build prompts is not counted, and --examples takes the first N of each
dataset. `glpft` does all of it, from the answers to the written datasets, with one thread. CPU time counts on both sides.
"""

import argparse
import itertools
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time
import tomllib

os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")

from tokenizers import Tokenizer  # noqa: E402

import export  # noqa: E402


def python_side(source, model, limit):
    """Bytes of all text, bytes encoded, CPU seconds."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    templates = tomllib.loads(export.PROMPTS.read_text(encoding="utf-8"))
    conversations = [export.stage_2(trajectory) for trajectory in export.stage_1(source)]
    whole = encoded = seconds = 0
    for role in ("backbone", "planner", "caller", "summarizer"):
        examples = export.role_examples(role, templates[role], conversations)
        texts = (example["input"] + example["target"] for example in examples)
        done = 0
        while batch := list(itertools.islice(texts, 256)):
            size = sum(len(text.encode()) for text in batch)
            whole += size
            if done < limit:
                start = time.process_time()
                tokenizer.encode_batch(batch, add_special_tokens=False)
                seconds += time.process_time() - start
                encoded += size
            done += len(batch)
    return whole, encoded, seconds


def glpft_side(glpft, source, model):
    """CPU seconds, user and system; the report."""
    with tempfile.TemporaryDirectory() as run:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [glpft, "prepare", "alpha-umi-7b", "--threads=1", "--json", f"--out={run}/run"]
        keys = {"data.source": source, "model.base": model, "stage.max_length": 1000000}
        told = subprocess.run(command + [f"--set={key}={value}" for key, value in keys.items()], check=True, stdout=-1)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, json.loads(told.stdout)["report"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glpft")
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--examples", type=int, default=10**9)
    arguments = parser.parse_args()
    seconds, report = glpft_side(arguments.glpft, arguments.source, arguments.model)
    whole, encoded, python = python_side(arguments.source, arguments.model, arguments.examples)
    tokens = sum(dataset["tokens"] for dataset in report["datasets"].values())
    tree = sum(dataset["tree_tokens"] for dataset in report["datasets"].values())
    print(f"text of the examples  {whole / 1e6:9.1f} MB, {tokens} tokens, {tree} tree tokens")
    print(f"glpft prepare         {seconds:9.1f} s  {whole / 1e6 / seconds:7.2f} MB/s of a core")
    print(f"Python tokenizers     {python:9.1f} s  {encoded / 1e6 / python:7.2f} MB/s of a core, {encoded / 1e6:.1f} MB")
    print(f"ratio                 {whole / seconds / (encoded / python):9.1f}")


if __name__ == "__main__":
    main()
