#!/usr/bin/env python3
"""Compares a training run of glpft with the same run in PyTorch, step by step. Exits 1 beyond a tolerance.

    train_compare.py --peer-log peer.jsonl --log RUN/stages/global/train_log.jsonl
                     [--peer-grads peer.safetensors --grads glpft.safetensors]
                     [--initial DIR --peer-weights DIR --weights DIR]

Logs: JSON lines with "step" and "loss" (other lines are passed over). Gradients: of the first step, safetensors with
the parameter names of Hugging Face or PEFT. Weights: directories (or files) with *.safetensors; --initial is the model
or adapter that both started from. Needs torch and safetensors.
"""

import argparse
import json
import pathlib
import sys

from safetensors.torch import load_file

LOSS, GRADIENT, CHANGE, FALL = 1e-3, 1e-3, 1e-2, 0.2


def losses(path):
    rows = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines() if line.startswith("{")]
    return {r["step"]: r["loss"] for r in rows if "step" in r and "loss" in r}


def tensors(path):
    path = pathlib.Path(path)
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    # PEFT names the adapter in memory (`lora_A.default.weight`) and leaves the name out in files.
    return {n.replace(".default.", "."): t.double() for f in files for n, t in load_file(f).items()}


def matched(ours, theirs, what):
    """Pairs by name. A head that only one side writes is a tied one; any other odd name is an error."""
    odd = {n for n in set(ours) ^ set(theirs) if n != "lm_head.weight"}
    if odd:
        sys.exit(f"{what}: only one side has {', '.join(sorted(odd)[:5])} ({len(odd)} in all)")
    return [(n, ours[n], theirs[n]) for n in sorted(set(ours) & set(theirs))]


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("peer-log", "log"):
        p.add_argument(f"--{name}", required=True)
    for name in ("peer-grads", "grads", "initial", "peer-weights", "weights"):
        p.add_argument(f"--{name}")
    a = p.parse_args()
    failed = []

    def judge(name, value, limit, good):
        print(f"{name}: {value:.3e} (limit {limit:g})" + ("" if good else "  FAILED"))
        if not good:
            failed.append(name)

    theirs, ours = losses(a.peer_log), losses(a.log)
    if set(theirs) != set(ours):
        sys.exit(f"steps differ: peer {sorted(theirs)}, glpft {sorted(ours)}")
    steps = sorted(theirs)
    print("step        peer       glpft  relative difference")
    relative = {s: abs(ours[s] - theirs[s]) / abs(theirs[s]) for s in steps}
    for s in steps:
        print(f"{s:4} {theirs[s]:11.6f} {ours[s]:11.6f}  {relative[s]:.2e}")
    judge("largest relative difference of a loss", max(relative.values()), LOSS, all(r <= LOSS for r in relative.values()))
    # Two alternating batches: the mean of two steps is over the same examples at both ends.
    first, last = (sum(theirs[s] for s in part) / len(part) for part in (steps[:2], steps[-2:]))
    judge("fall of the peer's loss", 1 - last / first, FALL, 1 - last / first >= FALL)

    if a.grads and a.peer_grads:
        ratios = {}
        for name, g, h in matched(tensors(a.grads), tensors(a.peer_grads), "gradients"):
            difference, norm = (g - h).norm().item(), h.norm().item()
            # A is multiplied by B, which starts at zero: the first gradient of A is zero on both sides.
            ratios[name] = difference / norm if norm else (0.0 if difference == 0 else float("inf"))
        where = max(ratios, key=ratios.get)
        good = all(r <= GRADIENT for r in ratios.values())  # not max(): it may pass over a NaN
        judge(f"largest ‖Δg‖/‖g‖ of {len(ratios)} parameters ({where})", ratios[where], GRADIENT, good)

    if a.initial and a.weights and a.peer_weights:
        start, difference, change = tensors(a.initial), 0.0, 0.0
        for name, w, v in matched(tensors(a.weights), tensors(a.peer_weights), "weights"):
            difference += (w - v).square().sum().item()
            change += (v - start[name]).square().sum().item()
        ratio = (difference / change) ** 0.5 if change else float("inf")
        judge("L2 difference of the weight change", ratio, CHANGE, ratio <= CHANGE)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
