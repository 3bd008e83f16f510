#!/usr/bin/env python3
"""Data-parallel training on many cards, on paper: memory of a rank, time of a step, and what bounds it.

    benches/scale.py [--batch N] [--tokens N] [--utilization SHARE]

Nothing here is measured. A rank holds what docs/guides/data-parallel.md says it holds; numbers travel from the card to the host,
over the network, and back, without overlap with the backward pass. Cards are H100s (80 GB, 989 TFLOP/s in bf16), one network
port of 400 Gb/s and one PCIe 5 ×16 link for each. Weights and gradients are f32, as the program has them today.
"""

import argparse

GB, PEAK, NETWORK, PCIE = 1e9, 989e12, 400e9 / 8, 50e9
CARD = 80 * GB
# Parameters, layers, hidden size; those of rank-16 adapters on all projections of Llama's shapes.
MODELS = {"7B": (6.7e9, 32, 4096, 40e6), "13B": (13.0e9, 40, 5120, 63e6), "70B": (69.0e9, 80, 8192, 207e6)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=256, help="trajectories of a step")
    parser.add_argument("--tokens", type=int, default=3000, help="tokens computed for a trajectory")
    parser.add_argument("--utilization", type=float, default=0.4, help="share of the peak that products reach")
    parser.add_argument("--trajectories", type=int, default=126_000)
    arguments = parser.parse_args()
    print("| model | tuning | cards | memory of a card | step | exchange | an epoch | bounded by |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (parameters, layers, hidden, adapters) in MODELS.items():
        for tuning, trained, per_token in [("LoRA", adapters, 4 * parameters), ("full", parameters, 6 * parameters)]:
            for cards in [8, 64, 512]:
                # A layer's input for each token of a micro-batch of one trajectory, and one layer's activations (recompute = 1).
                activations = arguments.tokens * hidden * 4 * (layers + 34)
                memory = 4 * parameters + 4 * trained + 20 * trained / cards + activations
                moved = 2 * 4 * trained * (cards - 1) / cards
                exchange = moved / NETWORK + 2 * 4 * trained / PCIE
                share = -(-arguments.batch // cards)
                # The forward pass of recomputed layers comes on top: 2 operations a parameter and token.
                compute = share * arguments.tokens * (per_token + 2 * parameters) / (PEAK * arguments.utilization)
                step = compute + exchange
                hours = arguments.trajectories / arguments.batch * step / 3600
                bound = "the exchange" if exchange > compute else "the batch" if cards > arguments.batch else "products"
                if memory > CARD:
                    print(f"| {name} | {tuning} | {cards} | {memory / GB:.0f} GB: does not fit | | | | memory |")
                else:
                    print(
                        f"| {name} | {tuning} | {cards} | {memory / GB:.0f} GB | {step:.1f} s | {100 * exchange / step:.0f} % | {f'{hours:.1f} h' if hours >= 1 else f'{60 * hours:.0f} min'} | {bound} |"
                    )


if __name__ == "__main__":
    main()
