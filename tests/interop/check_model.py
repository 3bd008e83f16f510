#!/usr/bin/env python3
"""Opens exported directories as a user of transformers or PEFT would, and compares with what glpft says of them.

    check_model.py DIR [DIR…] --ids 1,2,3 | --text "user: hello" [--new-tokens 16]      prints JSON, a line a directory
    check_model.py DIR [DIR…] --expect FILE [--tolerance 1e-3]                          exits 1 where something differs

DIR is a model directory, or an adapter directory whose base_model_name_or_path is relative to it.
FILE is what glpft wrote, one entry a sequence; all but "ids" may be left out:

    {"texts": ["…"], "ids": [[1, 2, 3]], "logits": [[…last position…]], "greedy": [[4, 5]], "greedy_texts": ["…"]}

texts: the tokenizer of DIR must give exactly ids (nothing added); logits: of the last position, or of all of them
([[[…]…]]); greedy: the next ids, most likely first (compared up to the end-of-sequence token); greedy_texts: those as
text, special tokens left out. Everything is computed in f32 on the CPU. Needs torch, transformers and, for adapters, peft.
"""

import argparse
import json
import os
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging


def open_directory(directory):
    """(model, tokenizer or None, kind), opened from inside the directory: relative paths start there."""
    back = os.getcwd()
    os.chdir(directory)
    try:
        adapter = pathlib.Path("adapter_config.json")
        base = json.loads(adapter.read_text())["base_model_name_or_path"] if adapter.exists() else "."
        if os.path.isabs(base):
            print(f"{directory}: base_model_name_or_path is absolute: {base}", file=sys.stderr)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
        if adapter.exists():
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, ".")
        with_tokenizer = [d for d in (".", base) if (pathlib.Path(d) / "tokenizer.json").exists()]
        tokenizer = AutoTokenizer.from_pretrained(with_tokenizer[0], local_files_only=True) if with_tokenizer else None
        return model.eval(), tokenizer, "adapter" if adapter.exists() else "model"
    finally:
        os.chdir(back)


def all_logits(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0]


def greedy(model, ids, count):
    ids = torch.tensor([ids])
    out = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False, num_beams=1
    )
    return out[0, ids.shape[1] :].tolist()


def until_end(ids, end):
    ends = set(end if isinstance(end, list) else [end])
    return ids[: next((i for i, x in enumerate(ids) if x in ends), len(ids))]


def describe(model, tokenizer, a):
    ids = [int(i) for i in a.ids.split(",")] if a.ids else tokenizer.encode(a.text, add_special_tokens=False)
    new = until_end(greedy(model, ids, a.new_tokens), model.generation_config.eos_token_id)
    return dict(
        ids=[ids],
        logits=[all_logits(model, ids)[-1].tolist()],
        greedy=[new],
        greedy_texts=[tokenizer.decode(new, skip_special_tokens=True)] if tokenizer else None,
    )


def compare(model, tokenizer, expected, tolerance):
    """What differs, as text, and the largest difference of a logit."""
    wrong, worst = [], 0.0
    end = model.generation_config.eos_token_id
    for i, ids in enumerate(expected["ids"]):
        if "texts" in expected:
            got = tokenizer.encode(expected["texts"][i], add_special_tokens=False)
            if got != ids:
                wrong.append(f"sequence {i}: the tokenizer gives {got}, not {ids}")
        if "logits" in expected:
            theirs = torch.tensor(expected["logits"][i], dtype=torch.float64)
            ours = all_logits(model, ids).double()
            ours = ours if theirs.dim() == 2 else ours[-1]
            if ours.shape != theirs.shape:
                wrong.append(f"sequence {i}: logits of shape {list(theirs.shape)}, not {list(ours.shape)}")
                continue
            difference = (ours - theirs).abs().max().item()
            worst = max(worst, difference)
            if not difference <= tolerance:
                wrong.append(f"sequence {i}: logits differ by {difference:.3g}")
        if "greedy" in expected:
            theirs = until_end(expected["greedy"][i], end)
            got = until_end(greedy(model, ids, len(expected["greedy"][i])), end)
            if got != theirs:
                wrong.append(f"sequence {i}: greedy ids {theirs}, not {got}")
            elif "greedy_texts" in expected:
                text = tokenizer.decode(got, skip_special_tokens=True)
                if text != expected["greedy_texts"][i]:
                    wrong.append(f"sequence {i}: greedy text {expected['greedy_texts'][i]!r}, not {text!r}")
    return wrong, worst


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("directories", nargs="+", metavar="DIR")
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--ids", help="token ids, comma-separated")
    what.add_argument("--text")
    what.add_argument("--expect", metavar="FILE", help="JSON that glpft wrote")
    p.add_argument("--new-tokens", type=int, default=16)
    p.add_argument("--tolerance", type=float, default=1e-3, help="largest difference of a logit")
    a = p.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    failed = False
    for directory in a.directories:
        model, tokenizer, kind = open_directory(directory)
        report = dict(directory=directory, kind=kind)
        if a.expect:
            wrong, worst = compare(model, tokenizer, json.loads(pathlib.Path(a.expect).read_text()), a.tolerance)
            report |= dict(max_abs_difference=worst, differs=wrong)
            failed |= bool(wrong)
        else:
            report |= describe(model, tokenizer, a)
        print(json.dumps(report))
    sys.exit(failed)


if __name__ == "__main__":
    main()
