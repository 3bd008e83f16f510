"""Writes nf4.json: what bitsandbytes 0.50.2 makes of numbers that anyone can compute exactly.

    python3 tests/golden/nf4.py
"""

import json
import pathlib

import torch
from bitsandbytes import functional

BLOCKS = 300
numbers = torch.tensor(
    [((i * 7919) % 2003 - 1001) * (8 + (i // 64 * 37) % 11) / 2**16 for i in range(64 * BLOCKS)], dtype=torch.float32
)
shown = list(range(640)) + list(range(len(numbers) - 64, len(numbers)))
codes, state = functional.quantize_4bit(numbers, blocksize=64, quant_type="nf4")
_, double = functional.quantize_4bit(numbers, blocksize=64, quant_type="nf4", compress_statistics=True)
again = functional.dequantize_4bit(codes, state).flatten()
double_again = functional.dequantize_4bit(codes, double).flatten()
golden = {
    "table": state.code.tolist(),
    "dynamic": functional.create_dynamic_map().tolist(),
    "unsigned_dynamic": functional.create_dynamic_map(signed=False).tolist(),
    "codes": codes.flatten().tolist(),
    "scales": state.absmax.tolist(),
    "scale_codes": double.absmax.tolist(),
    "shown": shown,
    "again": again[shown].tolist(),
    "double_again": double_again[shown].tolist(),
}
pathlib.Path(__file__).with_name("nf4.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
