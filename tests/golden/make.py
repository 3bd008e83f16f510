#!/usr/bin/env python3
"""Makes the golden models: a tiny random model of each family with the logits that transformers computes for it.

    python tests/golden/make.py [FAMILY…]  writes tests/golden/<family>/{config.json,model.safetensors,expected.json}

Needs torch and transformers 5. The results are committed; tests only read them.
Every parameter is random, norm weights and biases included: with their initial ones and zeros a model that leaves
them out would pass. Logits come from the saved directory, in f32 on the CPU with eager attention.
"""

import json
import pathlib
import shutil
import sys

import torch
from transformers import AutoModelForCausalLM, CONFIG_MAPPING

HERE = pathlib.Path(__file__).parent
VOCABULARY, LENGTH, SEQUENCES = 48, 24, 2

COMMON = dict(
    vocab_size=VOCABULARY,
    hidden_size=24,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=3,
    num_key_value_heads=1,
    max_position_embeddings=256,
    bos_token_id=1,
    eos_token_id=2,
)

# With head_dim 8 and theta 100 the four wave lengths are 6, 20, 63 and 199 positions: below, between and above
# the two limits (16 and 64), so that every branch of the llama3 scaling is taken.
LLAMA3 = dict(
    rope_theta=100.0,
    rope_type="llama3",
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)

FAMILIES = {
    "llama": ("llama", dict(num_attention_heads=6, num_key_value_heads=2, head_dim=4, tie_word_embeddings=True)),
    "llama-rope-llama3": ("llama", dict(rope_parameters=LLAMA3, rms_norm_eps=1e-2, tie_word_embeddings=False)),
    "mistral": ("mistral", dict(head_dim=16, num_attention_heads=2, sliding_window=None, tie_word_embeddings=False)),
    "qwen2": ("qwen2", dict(rope_parameters=dict(rope_type="default", rope_theta=1e6), tie_word_embeddings=True)),
    "qwen2-untied": ("qwen2", dict(rms_norm_eps=1e-5, tie_word_embeddings=False)),
    "qwen3": ("qwen3", dict(head_dim=16, num_attention_heads=2, tie_word_embeddings=False)),
    "qwen3-tied": ("qwen3", dict(head_dim=12, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True)),
}

# Windows shorter than the sequences, so that they cut; a different rotary base for the layers that have one.
WINDOW = 7
YARN = dict(rope_theta=100.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
LONG = dict(
    rope_theta=100.0,
    rope_type="longrope",
    short_factor=[1.0, 1.1, 1.3],
    long_factor=[1.0, 1.7, 4.2],
    partial_rotary_factor=0.75,
)

FAMILIES |= {
    "smollm3": ("smollm3", dict(num_hidden_layers=4, tie_word_embeddings=True, pad_token_id=None)),
    "granite": (
        "granite",
        dict(
            embedding_multiplier=12.0,
            attention_multiplier=0.25,
            residual_multiplier=0.22,
            logits_scaling=3.0,
            tie_word_embeddings=True,
        ),
    ),
    "granite-hybrid": (
        "granitemoehybrid",
        dict(
            embedding_multiplier=6.0,
            attention_multiplier=0.2,
            residual_multiplier=0.4,
            logits_scaling=2.0,
            num_local_experts=0,
            num_experts_per_tok=0,
            shared_intermediate_size=40,
            layer_types=["full_attention"] * 2,
            position_embedding_type="rope",
            mamba_n_heads=6,
            tie_word_embeddings=True,
        ),
    ),
    # Sequences up to the original length, with the short factors, and beyond it, with the long ones.
    "phi3": (
        "phi3",
        dict(rope_parameters=dict(LONG), original_max_position_embeddings=64, pad_token_id=None, tie_word_embeddings=True),
    ),
    "phi3-long": ("phi3", dict(rope_parameters=dict(LONG), original_max_position_embeddings=16, pad_token_id=None)),
    "gemma3": (
        "gemma3_text",
        dict(
            num_hidden_layers=3,
            num_attention_heads=2,
            head_dim=8,
            query_pre_attn_scalar=20,
            sliding_window=WINDOW,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters=dict(
                full_attention=dict(rope_type="linear", factor=2.0, rope_theta=1000.0),
                sliding_attention=dict(rope_type="default", rope_theta=50.0),
            ),
            pad_token_id=None,
        ),
    ),
    "mistral-window": ("mistral", dict(head_dim=8, sliding_window=WINDOW)),
    "qwen2-window": (
        "qwen2",
        dict(num_hidden_layers=3, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1),
    ),
    "llama-yarn": ("llama", dict(rope_parameters=YARN)),
    # Sequences longer than the model's positions.
    "llama-dynamic": (
        "llama",
        dict(max_position_embeddings=16, rope_parameters=dict(rope_theta=100.0, rope_type="dynamic", factor=2.0)),
    ),
}

# These directories spell their configuration as transformers 4 does.
OLD_SPELLING = {"llama-rope-llama3", "mistral", "qwen2", "qwen3-tied"}


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("norm.weight"):
                # Gemma adds one itself.
                parameter.copy_((0 if model.config.model_type == "gemma3_text" else 1) + 0.3 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.5 * noise)
            elif "embed" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(noise * 1.2 / parameter.shape[1] ** 0.5)


def respell(path):
    """Rewrites a configuration the way published checkpoints of the transformers 4 era have it."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope if rope["rope_type"] != "default" else None
    config["torch_dtype"] = config.pop("dtype")
    if config["model_type"] == "llama":
        del config["head_dim"]  # follows from the other sizes
    if "use_sliding_window" in config:
        del config["layer_types"]
        config["sliding_window"] = 16  # shorter than the sequences, but switched off by use_sliding_window
    path.write_text(json.dumps(config, indent=2) + "\n")


def main():
    for seed, (family, (model_type, changes)) in enumerate(FAMILIES.items(), start=1):
        if len(sys.argv) > 1 and family not in sys.argv[1:]:
            continue
        directory = HERE / family
        shutil.rmtree(directory, ignore_errors=True)
        config = CONFIG_MAPPING[model_type](**COMMON | changes, dtype="float32")
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
        randomize(model, seed)
        model.save_pretrained(directory)
        (directory / "generation_config.json").unlink(missing_ok=True)
        if family in OLD_SPELLING:
            respell(directory / "config.json")

        again = AutoModelForCausalLM.from_pretrained(directory, attn_implementation="eager", dtype=torch.float32).eval()
        generator = torch.Generator().manual_seed(1000 + seed)
        ids = torch.randint(0, VOCABULARY, (SEQUENCES, LENGTH), generator=generator)
        with torch.no_grad():
            logits = again(input_ids=ids).logits
            assert torch.equal(logits, model.eval()(input_ids=ids).logits), "the saved directory gives other logits"
        rows = [[[float(f"{x:.9g}") for x in position] for position in sequence] for sequence in logits.tolist()]
        # One line a position: a changed golden file shows where it changed.
        text = ",\n".join("[\n" + ",\n".join(json.dumps(p, separators=(",", ":")) for p in s) + "\n]" for s in rows)
        (directory / "expected.json").write_text('{"ids":' + json.dumps(ids.tolist()) + ',\n"logits":[\n' + text + "\n]}\n")
        print(f"{family}: logits in [{logits.min():.2f}, {logits.max():.2f}]")


if __name__ == "__main__":
    main()
