"""Makes gguf_types.gguf, a tensor of random bits in every type that is read, and gguf_types.safetensors, the values that
the `gguf` package (0.19.0) dequantizes them to.

    pip install numpy gguf==0.19.0 && python gguf_types.py
"""

import json
import pathlib
import struct

import numpy as np
from gguf import GGMLQuantizationType as Type, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize

here = pathlib.Path(__file__).parent
random = np.random.default_rng(5)
ROWS, WIDTH = 3, 512
# Where the scales lie in a block: random bits there could be no number.
SCALES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
PLAIN = {"F32": np.float32, "F16": np.float16, "BF16": None}

writer = GGUFWriter(here / "gguf_types.gguf", "llama")
expected = {}
for name in [*PLAIN, *SCALES]:
    kind = Type[name]
    if name in PLAIN:
        values = random.standard_normal((ROWS, WIDTH)).astype(np.float32) * 10.0 ** random.integers(-6, 4, (ROWS, WIDTH))
        if name == "BF16":
            data = (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        else:
            data = values.astype(PLAIN[name])
    else:
        elements, size = GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (ROWS * WIDTH // elements, size), dtype=np.uint8)
        for place in SCALES[name]:
            scale = random.standard_normal(len(blocks)) * 10.0 ** random.integers(-7, 3, len(blocks))
            blocks[:, place:place + 2] = scale.astype(np.float16)[:, None].view(np.uint8)
        data = blocks.reshape(ROWS, -1)
    writer.add_tensor(name, data, raw_dtype=kind)
    values = data.astype(np.float32) if name in ("F32", "F16") else dequantize(data, kind)
    expected[name] = np.ascontiguousarray(values, np.float32).reshape(ROWS, WIDTH)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

header, offset = {}, 0
for name, values in expected.items():
    header[name] = {"dtype": "F32", "shape": [ROWS, WIDTH], "data_offsets": [offset, offset + values.nbytes]}
    offset += values.nbytes
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(here / "gguf_types.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    for values in expected.values():
        file.write(values.astype("<f4").tobytes())
