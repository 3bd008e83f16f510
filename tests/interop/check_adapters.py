#!/usr/bin/env python3
"""Opens the adapters of a run where they are, with PEFT and with transformers, from another working directory.

    python tests/interop/check_adapters.py GLPFT RUN

GLPFT is the program, RUN the directory of a run of adapters (`glpft run smollm2-135m-lora …`). Logits must agree: PEFT's
with transformers', and with those of what `glpft export --merge` makes of the same adapter. Needs torch, transformers, peft.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM

IDS = torch.tensor([[1, 5, 9, 2, 17, 33, 4, 8]])


def logits(model):
    with torch.no_grad():
        return model.float().eval()(IDS).logits


def main():
    program, run = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    adapters = sorted(path.parent for path in run.glob("models/*/adapter_config.json"))
    if not adapters:
        sys.exit(f"no adapters in {run}/models")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for adapter in adapters:
            peft = logits(AutoPeftModelForCausalLM.from_pretrained(adapter, dtype=torch.float32))
            transformers = logits(AutoModelForCausalLM.from_pretrained(adapter, dtype=torch.float32))
            subprocess.run([program, "export", adapter, "--merge", "--dtype=f32", "--to", adapter.name, "--quiet"], check=True)
            merged = logits(AutoModelForCausalLM.from_pretrained(adapter.name, dtype=torch.float32))
            scale = peft.abs().max()
            differences = [((peft - other).abs().max() / scale).item() for other in (transformers, merged)]
            print(f"{adapter.name}: transformers {differences[0]:.1e}, merged {differences[1]:.1e}")
            if max(differences) > 1e-5:
                sys.exit(f"{adapter.name} differs")


if __name__ == "__main__":
    main()
