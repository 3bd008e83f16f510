#!/usr/bin/env python3
"""The peer of device.sh: device_peer.py DEVICE TUNE STEPS HIDDEN FEED_FORWARD LAYERS HEADS KV_HEADS

Trains a random Llama of that shape in PyTorch: bfloat16 on a card, SDPA attention, AdamW, rows of 1024 random tokens, 4096 a step;
`TUNE` is `full` or `lora` (PEFT, rank 8, every projection). Two steps warm up. Prints tokens/s as its last line.
"""

import statistics
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

ROWS, LENGTH, VOCABULARY = 4, 1024, 2048


def main():
    device, tune = sys.argv[1], sys.argv[2]
    steps, hidden, feed_forward, layers, heads, kv_heads = map(int, sys.argv[3:])
    if device.startswith("wgpu"):
        raise SystemExit("error: PyTorch has no wgpu")
    on_card = device.startswith("cuda")
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=feed_forward,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        vocab_size=VOCABULARY,
        tie_word_embeddings=True,
        use_cache=False,
        attn_implementation="sdpa",
    )
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16 if on_card else torch.float32)
    with torch.device(device):
        model = LlamaForCausalLM(config)
    if tune == "lora":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    seconds = []
    for _ in range(steps + 2):
        ids = torch.randint(0, VOCABULARY, (ROWS, LENGTH), device=device)
        start = time.perf_counter()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if on_card:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    rate = ROWS * LENGTH / statistics.median(seconds[2:])
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB allocated" if on_card else ""
    print(f"{rate:.0f} tokens/s in PyTorch {torch.__version__}, {'bf16' if on_card else 'f32'}{memory}")


if __name__ == "__main__":
    main()
