#!/usr/bin/env python3
"""Prompt tokens that a team computes at work: role adapters that wake beside plain ones, and full models beside both.

    benches/roles_live.py GLPFT QUICKSTART OUT [--tasks 60] [--seeds 1] [--rank 16] [--world 3]

GLPFT is the program; QUICKSTART the folder of a finished `glpft quickstart`, whose base and trajectories are used; OUT is kept:
started again, it goes on where it was. For each seed four teams are trained by the recipe `world` (global, then three local
stages): waking adapters in the layout `role-last`, plain adapters in it and in `role-first`, and full models. Each works on held-out
tasks of another world by ReACT and DFSDT. Told are passed tasks, prompt tokens, those of them that had to be computed, and
the time of the evaluation.
"""

import argparse
import json
import pathlib
import subprocess
import time

MODULES = '["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]'
TEAMS = {
    "waking": ["data.layout=role-last", "stage.tune=lora", "stage.lora.wake=true"],
    "role-last": ["data.layout=role-last", "stage.tune=lora"],
    "role-first": ["stage.tune=lora"],
    "full": [],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glpft")
    parser.add_argument("quickstart", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--tasks", type=int, default=60, help="tasks of each of the six groups, at most")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--world", type=int, default=3)
    parser.add_argument("--teams", default=",".join(TEAMS))
    arguments = parser.parse_args()
    adapters = [f"stage.lora.rank={arguments.rank}", f"stage.lora.alpha={2 * arguments.rank}", "stage.lora.dropout=0.0"]
    adapters += [f"stage.lora.target_modules={MODULES}", "stage.global.lr=2e-3"]
    adapters += [f"stage.{role}.lr=1e-3" for role in ["planner", "caller", "summarizer"]]
    for seed in range(1, arguments.seeds + 1):
        for team in arguments.teams.split(","):
            run = arguments.out / f"{team}-{seed}"
            keys = TEAMS[team] + [f"seed={seed}", f"data.source={arguments.quickstart / 'world'}"]
            keys += [f"model.base={(arguments.quickstart / 'base').absolute()}"]
            keys += adapters if team != "full" else []
            command = [arguments.glpft, "run", "world", f"--out={run}", "--quiet", *(f"--set={key}" for key in keys)]
            subprocess.run(command, check=True)
            for strategy in ["react", "dfsdt"]:
                name = f"{strategy}-{arguments.tasks}"
                ask = [f"--world={arguments.world}", f"--limit={arguments.tasks}", f"--strategy={strategy}", f"--name={name}"]
                began = time.time()
                subprocess.run([arguments.glpft, "eval", "live", str(run), *ask, "--quiet"], check=True)
                told = json.loads((run / "eval" / name / "live.json").read_text(encoding="utf-8"))
                usage = told["usage"]
                computed = usage["prompt_tokens"] - usage["cached_tokens"]
                rate = told["scores"]["pass_rate"]["average"]
                print(
                    f"{team:10} seed {seed} {strategy:6} passed {rate['rate']:.3f}  tasks {told['tasks']}  steps {told['steps']}  "
                    f"prompt {usage['prompt_tokens']}  computed {computed} ({computed / told['steps']:.1f} a step)  "
                    f"new {usage['new_tokens']}  {time.time() - began:.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
