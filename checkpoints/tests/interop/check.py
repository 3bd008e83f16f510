"""Opens what `cargo run -p glpft-checkpoints --example interop -- FOLDER` wrote with
transformers and PEFT, and compares every tensor with the values that were written.

    python checkpoints/tests/interop/check.py FOLDER
"""

import json
import sys
import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer


def expected(name, tensor):
    index = torch.arange(tensor.numel(), dtype=torch.int64)
    values = ((index * 37 + len(name) * 11) % 101).to(torch.float32) / 101.0 - 0.5
    return values.reshape(tensor.shape).to(tensor.dtype)


def rope(config):
    """θ, kind and factor, wherever this version of transformers keeps them."""
    parameters = getattr(config, "rope_parameters", None)
    if parameters:
        return parameters["rope_theta"], parameters["rope_type"], parameters.get("factor")
    scaling = config.rope_scaling or {}
    return config.rope_theta, scaling.get("rope_type", "default"), scaling.get("factor")


ROPE = {
    "llama": (500000.0, "llama3", 8.0),
    "mistral": (20000.0, "linear", 2.0),
    "qwen2": (1e6, "default", None),
    "qwen3": (1e6, "default", None),
}
TYPES = {"f32": torch.float32, "bf16-sharded": torch.bfloat16, "f16": torch.float16}


def check_model(path):
    family, kind = path.name.split("-", 1)
    if family not in transformers.CONFIG_MAPPING:
        return print(f"skipped: {path.name}, not known to transformers {transformers.__version__}")
    config = AutoConfig.from_pretrained(path)
    assert rope(config) == ROPE[family], (path, rope(config))
    assert config.eos_token_id == [2, 3] and config.num_key_value_heads == 2
    # To transformers 4.45 `dtype` is a key like any other.
    stored = getattr(config, "dtype", None)
    assert (config.torch_dtype if isinstance(stored, str) else stored) == TYPES[kind]
    model, loading = AutoModelForCausalLM.from_pretrained(
        path, torch_dtype="auto", output_loading_info=True
    )
    assert not any(loading[what] for what in ("missing_keys", "unexpected_keys")), loading
    count = 0
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            assert torch.equal(tensor, model.get_input_embeddings().weight)
            continue
        assert tensor.dtype == TYPES[kind], (name, tensor.dtype)
        assert torch.equal(tensor, expected(name, tensor)), (path, name)
        count += 1
    logits = model.float()(torch.arange(10)[None]).logits
    assert logits.isfinite().all()
    print(f"{path.name}: {count} tensors, logits finite")


def check_tokenizer(path):
    if len(json.loads((path / "tokenizer.json").read_text())) == 0:
        return print("skipped: no tokenizer was given")
    tokenizer = AutoTokenizer.from_pretrained(path)
    assert tokenizer.eos_token == "</s>" == tokenizer.pad_token
    text = "a tool call"
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]).strip() == text
    print("tokenizer: opens, decodes what it encodes")


def check_adapter(path):
    try:
        from peft import PeftModel
    except Exception as error:
        return print(f"skipped: PEFT does not work here ({error})")
    config = json.loads((path / "adapter_config.json").read_text())
    base = AutoModelForCausalLM.from_pretrained(path / config["base_model_name_or_path"])
    ids = torch.arange(10)[None]
    before = base(ids).logits
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = PeftModel.from_pretrained(base, path)
    count = 0
    for name, tensor in model.state_dict().items():
        if "lora_" in name:
            assert torch.equal(tensor, expected(name.replace(".default", ""), tensor)), name
            count += 1
    assert count == 2 * 2 * 3, count
    assert (model(ids).logits - before).abs().max() > 1e-3
    print(f"adapter: {count} tensors, changes the logits")


folder = Path(sys.argv[1])
for path in sorted(folder.iterdir()):
    if path.name != "adapter":
        check_model(path)
check_tokenizer(folder / "llama-f32")
check_adapter(folder / "adapter")
print(f"transformers {transformers.__version__}: all as expected")
