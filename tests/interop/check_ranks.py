#!/usr/bin/env python3
"""Ranks over MPI: the same weights as ranks in threads, and whole checkpoints whatever dies.

    tests/interop/check_ranks.py GLPFT [--kills N] [--steps N] [--mpirun COMMAND]

GLPFT is a program built with `--features mpi`. Two processes train `sample` and end with the weights of two ranks in one
process, bit for bit. Then one of them is killed at N random moments: the other must end within ten seconds, and the same
command must go on to the same weights. At last the job is told to stop (SIGTERM to mpirun), and goes on.
"""

import argparse
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

STAGES = ["global", "planner", "caller", "summarizer"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glpft", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--mpirun", default="mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1")
    arguments = parser.parse_args()
    glpft = str(arguments.glpft.resolve())
    train = ["run", "sample", "--threads=1", "--quiet", f"--max-steps={arguments.steps}", "--set=stage.checkpoint_every=1"]
    mpirun = arguments.mpirun.split() + (["--allow-run-as-root"] if os.geteuid() == 0 else []) + ["-n", "2", glpft]

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([glpft, *train, "--ranks=2", f"--out={folder / 'threads'}"], check=True)

        def same(run):
            for stage in STAGES:
                file = pathlib.Path("models") / stage / "model.safetensors"
                if (folder / "threads" / file).read_bytes() != (folder / run / file).read_bytes():
                    raise SystemExit(f"{run}: {stage} has other weights than ranks in threads leave")

        began = time.monotonic()
        subprocess.run([*mpirun, *train, f"--out={folder / 'processes'}"], check=True)
        lasts = time.monotonic() - began
        same("processes")
        print(f"two processes leave the weights of two ranks in threads ({lasts:.1f} s)", flush=True)

        random.seed(7)
        killed = 0
        job = [*mpirun, *train, f"--out={folder / 'killed'}"]
        while killed < arguments.kills:
            child = subprocess.Popen(job, stderr=subprocess.PIPE, text=True, start_new_session=True)
            time.sleep(random.uniform(0.1, lasts))
            ranks = ranks_of(child.pid, glpft)
            if child.poll() is not None or len(ranks) < 2:
                # Finished before its time: from the start again.
                child.kill()
                child.wait()
                subprocess.run(["rm", "-rf", str(folder / "killed")], check=True)
                continue
            victim = random.choice(ranks)
            os.kill(victim, signal.SIGKILL)
            died = time.monotonic()
            _, told = child.communicate(timeout=10)
            if child.returncode == 0 or "rank" not in told:
                raise SystemExit(f"status {child.returncode}: {told}")
            killed += 1
            print(f"rank killed: the job ended after {time.monotonic() - died:.1f} s", flush=True)
        subprocess.run(job, check=True)
        same("killed")
        print(f"killed {killed} times, it goes on to the same weights")

        job = [*mpirun, *train, f"--out={folder / 'stopped'}"]
        stopped = 0
        while True:
            child = subprocess.Popen(job, stderr=subprocess.DEVNULL, start_new_session=True)
            time.sleep(lasts / 4)
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                stopped += 1
            if child.wait(timeout=60) == 0:
                break
            if stopped > 30:
                raise SystemExit("it never ends")
        same("stopped")
        print(f"told to stop {stopped} times, it goes on to the same weights")


def ranks_of(mpirun, glpft):
    """The processes that mpirun started."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
                parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            if parent == mpirun and command[0].decode() == glpft:
                found.append(int(process.name))
    return found


if __name__ == "__main__":
    main()
