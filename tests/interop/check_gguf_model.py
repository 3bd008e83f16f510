"""Asks PyPI's `gguf` and transformers about a GGUF file that `glpft` reads.

    check_gguf_model.py GLPFT MODEL.gguf

`glpft export` makes a Hugging Face directory of the file. Every tensor in it must be what the `gguf` package dequantizes,
and transformers must compute of the directory what it computes of the file itself. Then `glpft serve` answers prompts of
the file, greedily, and transformers must continue them with the same tokens. Needs torch, transformers and gguf.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "The capital of France is",
    "def fibonacci(n):\n    ",
    "1, 2, 3, 4, 5,",
    "Once upon a time there was a",
]
LENGTH = 24


def names(architecture, layers):
    """GGUF's names of Hugging Face's tensors."""
    return gguf.get_tensor_name_map(next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture), layers)


def check_tensors(path, directory):
    """The directory's tensors against what the package makes of the file's."""
    reader = gguf.GGUFReader(path)
    architecture = reader.fields["general.architecture"].contents()
    layers = reader.fields[f"{architecture}.block_count"].contents()
    found = {tensor.name: tensor for tensor in reader.tensors}
    table, count = names(architecture, layers), 0
    with safe_open(os.path.join(directory, "model.safetensors"), "pt") as weights:
        for name in weights.keys():
            ours = weights.get_tensor(name).float().numpy()
            tensor = found.pop(table.get_name(name, (".weight", ".bias")))
            theirs = dequantize(tensor.data, tensor.tensor_type).reshape(ours.shape)
            if architecture.startswith("gemma") and name.endswith("norm.weight"):
                theirs = theirs - np.float32(1)
            assert np.array_equal(ours, theirs), name
            count += 1
    assert not found, sorted(found)
    kinds = sorted({tensor.tensor_type.name for tensor in reader.tensors})
    print(f"{count} tensors ({', '.join(kinds)}) are what the gguf package makes of them, bit for bit", flush=True)


def ask(url, path, body):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def served(glpft, path, prompts):
    """What `glpft serve` continues prompts of tokens with, as text."""
    port = 18473
    server = subprocess.Popen([glpft, "serve", "--single", path, "--port", str(port)], stderr=subprocess.PIPE)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url + "/v1/models", timeout=5)
                break
            except OSError:
                assert server.poll() is None, server.stderr.read().decode()
                time.sleep(0.5)
        ask_for = {"model": "backbone", "max_tokens": LENGTH, "temperature": 0}
        return [ask(url, "/v1/completions", {**ask_for, "prompt": prompt})["choices"][0]["text"] for prompt in prompts]
    finally:
        server.terminate()
        server.wait()


def main():
    glpft, path = sys.argv[1:]
    path = os.path.abspath(path)
    with tempfile.TemporaryDirectory() as folder:
        directory = os.path.join(folder, "model")
        subprocess.run([glpft, "export", path, "--to", directory, "--quiet"], check=True)
        check_tensors(path, directory)
        tokenizer = AutoTokenizer.from_pretrained(directory)
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        itself = AutoModelForCausalLM.from_pretrained(
            os.path.dirname(path), gguf_file=os.path.basename(path), dtype=torch.float32
        ).eval()
        prompts, worst, expected = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS], 0.0, []
        for prompt in prompts:
            ids = torch.tensor([prompt])
            with torch.no_grad():
                worst = max(worst, (model(ids).logits - itself(ids).logits).abs().max().item())
                out = model.generate(ids, max_new_tokens=LENGTH, do_sample=False, attention_mask=torch.ones_like(ids))
            expected.append(tokenizer.decode(out[0, len(prompt):], skip_special_tokens=True))
        print(f"transformers: logits of the directory and of the file differ by {worst:.1e} at most", flush=True)
        texts = served(glpft, path, PROMPTS)
        same = sum(ours == theirs for ours, theirs in zip(texts, expected, strict=True))
        for ours, theirs in zip(texts, expected, strict=True):
            if ours != theirs:
                print(f"glpft: {ours!r}\ntransformers: {theirs!r}")
        print(f"{same} of {len(PROMPTS)} greedy continuations of {LENGTH} tokens are the same", flush=True)
        assert same == len(PROMPTS) and worst < 1e-4


main()
