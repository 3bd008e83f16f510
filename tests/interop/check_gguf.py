"""Asks PyPI's `gguf` and a real llama.cpp about the GGUF files that `glpft export --format gguf` writes.

    check_gguf.py GLPFT MODEL [NODE_LLAMA_CPP]

MODEL is a small Hugging Face directory of the Llama family. The files in all four types are read by the `gguf` package:
single precision must be the directory's weights bit for bit, the others what the package's own quantization makes of
them. NODE_LLAMA_CPP is the folder of npm's `node-llama-cpp` (`npm install --ignore-scripts node-llama-cpp
@node-llama-cpp/linux-x64`, then node_modules/node-llama-cpp): with it llama.cpp's tokens must be the tokenizer's, its
greedy continuations those of transformers (single precision), its probabilities near, and an adapter must do what it
does in PEFT. Needs torch, transformers, peft and gguf.
"""

import json
import math
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import torch
from gguf.quants import quantize
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    "Hello world, it's 12345 o'clock!",
    "  spaces   and\n\n\tnewlines \r\n",
    "é ü ß 日本語 한국어 🦀🏽‍🚀",
    '{"city": "Oslo", "days": [1, 2.5e-3, null]}',
    "Action: get_weather\nAction Input: {}",
    "naïve façade — “quotes” … ½ Ⅷ",
    "x" * 100,
    " ",
]
PROMPTS = [
    "The capital of France is",
    "def fibonacci(n):",
    "You have assess to the following apis:\n{\"Name\": \"weather\"}\nThe conversation history is:\nuser: Is it cold in Oslo?",
    "Once upon a time there was a",
    "1, 2, 3, 4, 5,",
    "The thought of the next step, followed by Next:",
]
LENGTH = 24
# The natural logarithms of probabilities may differ by so much.
PRECISION = {"f32": 2e-2, "f16": 5e-2, "bf16": 0.25, "q8_0": 0.25}
KINDS = {
    "f32": gguf.GGMLQuantizationType.F32,
    "f16": gguf.GGMLQuantizationType.F16,
    "bf16": gguf.GGMLQuantizationType.BF16,
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
}


def permuted(weights, heads):
    """The rows of each head with those that rotate together side by side."""
    shape = weights.shape
    return weights.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def check_tensors(path, kind, model, config):
    """The file's tensors against the directory's."""
    reader = gguf.GGUFReader(path)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    found = {tensor.name: tensor for tensor in reader.tensors}
    with safe_open(os.path.join(model, "model.safetensors"), "pt") as weights:
        for name in weights.keys():
            values = weights.get_tensor(name).float().numpy()
            if name.endswith("q_proj.weight"):
                values = permuted(values, config["num_attention_heads"])
            if name.endswith("k_proj.weight"):
                values = permuted(values, config["num_key_value_heads"])
            tensor = found.pop(names.get_name(name, (".weight", ".bias")))
            stored = KINDS["f32" if values.ndim == 1 else kind]
            assert tensor.tensor_type == stored, (name, tensor.tensor_type)
            expected = quantize(np.ascontiguousarray(values), stored).view(np.uint8).reshape(-1)
            assert np.array_equal(np.asarray(tensor.data).view(np.uint8).reshape(-1), expected), name
    assert not found, sorted(found)


def ask(node, request):
    """What llama.cpp says."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "llama_cpp.mjs")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(request, file)
        file.flush()
        done = subprocess.run(["node", script, node, file.name], capture_output=True, text=True, timeout=900)
    lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    assert lines, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(lines[-1].removeprefix("ANSWER "))


def expected(model, tokenizer, prompts):
    """What transformers says: greedy continuations, and the logarithms of the next token's probabilities."""
    answers = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        with torch.no_grad():
            logits = model(ids).logits[0, -1].double()
            out = model.generate(ids, max_new_tokens=LENGTH, do_sample=False, attention_mask=torch.ones_like(ids),
                                 pad_token_id=tokenizer.pad_token_id or 0)
        answers.append((out[0, len(prompt):].tolist(), torch.log_softmax(logits, 0)))
    return answers


def compare(what, answer, reference, precision):
    """Holds continuations to each other, and says by how much probabilities differ."""
    worst, length = 0.0, len(answer["prompts"][0]["continuation"])
    for ours, (continuation, logs) in zip(answer["prompts"], reference, strict=True):
        if length > 1:
            assert ours["continuation"] == continuation, (what, ours["continuation"], continuation)
        for token, probability in ours["likely"]:
            if probability > 1e-4:
                worst = max(worst, abs(math.log(probability) - logs[token].item()))
    same = f"{len(reference)} greedy continuations of {LENGTH} tokens are the same; " if length > 1 else ""
    print(f"{what}: {same}the logarithms of probabilities differ by {worst:.1e} at most", flush=True)
    assert worst < precision, (what, worst)


def adapter(model, folder):
    """A PEFT adapter that changes what is said."""
    torch.manual_seed(1)
    config = LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM",
                        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"])
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    adapted = get_peft_model(base, config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    adapted.save_pretrained(folder)


def main():
    glpft, model, *rest = sys.argv[1:]
    model, node = os.path.abspath(model), rest[0] if rest else None
    with open(os.path.join(model, "config.json")) as file:
        config = json.load(file)
    tokenizer = AutoTokenizer.from_pretrained(model)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for kind in KINDS:
            files[kind] = os.path.join(folder, f"{kind}.gguf")
            subprocess.run([glpft, "export", model, "--format", "gguf", "--type", kind, "--to", files[kind], "--quiet"],
                           check=True)
            check_tensors(files[kind], kind, model, config)
            print(f"{kind}: every tensor is what the gguf package makes of it", flush=True)
        if node is None:
            print("skipped: no node-llama-cpp given")
            return
        prompts = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        reference = expected(base, tokenizer, prompts)
        request = {"texts": TEXTS, "prompts": prompts, "length": LENGTH, "threads": os.cpu_count()}
        for kind, path in files.items():
            # Other types may take another word where two are as likely.
            length = LENGTH if kind == "f32" else 1
            answer = ask(node, {**request, "model": path, "length": length})
            for text, tokens in zip(TEXTS, answer["tokens"], strict=True):
                ids = tokenizer(text, add_special_tokens=False)["input_ids"]
                assert tokens == ids, (text, tokens, ids)
            compare(f"{kind} in llama.cpp", answer, reference, PRECISION[kind])
        lora, written = os.path.join(folder, "lora"), os.path.join(folder, "lora.gguf")
        adapter(model, lora)
        subprocess.run([glpft, "export", lora, "--format", "gguf", "--type", "f32", "--to", written, "--quiet"], check=True)
        adapted = PeftModel.from_pretrained(base, lora)
        changed = expected(adapted, tokenizer, prompts)
        assert any(one[0] != other[0] for one, other in zip(changed, reference, strict=True))
        answer = ask(node, {**request, "model": files["f32"], "adapter": written})
        compare("adapter in llama.cpp", answer, changed, PRECISION["f32"])
    print("all checks passed")


main()
