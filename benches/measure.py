"""Runs one side's measurement as a process of its own and keeps what it said; used by engine.py and scaling.py."""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path


def run(command, keep):
    """What `command` printed as JSON lines, from the file `keep` where the same command ended well before, on files (the
    program among them) that are still the same.

    A failure is told in the result (`error`) and kept nowhere, so that the next start tries again."""
    command = [str(part) for part in command]
    files = {part: [os.stat(part).st_size, os.stat(part).st_mtime_ns] for part in command if os.path.isfile(part)}
    if keep.exists():
        kept = json.loads(keep.read_text(encoding="utf-8"))
        if kept["command"] == command and kept.get("files") == files:
            return kept
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    started = time.monotonic()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    result = {
        "command": command,
        "files": files,
        "load_before": load,
        "wall_seconds": round(time.monotonic() - started, 1),
        "lines": [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")],
    }
    if done.returncode != 0 or not result["lines"]:
        told = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        # A process that the system ended for its memory says nothing.
        return {**result, "error": told[-1] if told else f"ended with {done.returncode}"}
    keep.parent.mkdir(parents=True, exist_ok=True)
    part = keep.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    part.replace(keep)
    return result


def steps(result, warmup):
    """The measured steps' medians, with what the summary says."""
    found = [line for line in result["lines"] if "step" in line]
    measured = found[warmup:]
    seconds = statistics.median(line["seconds"] for line in measured)
    summary = result["lines"][-1]
    return {
        "tokens": measured[0]["tokens"],
        "computed_tokens": statistics.median(line["computed_tokens"] for line in measured),
        "seconds": seconds,
        "all_seconds": [line["seconds"] for line in measured],
        "tokens_per_second": measured[0]["tokens"] / seconds,
        "peak_rss_gib": summary.get("peak_rss_gib"),
        "gemm_flops": summary.get("gemm_flops"),
        "first_loss": found[0]["loss"],
        "threads": summary.get("threads"),
    }


def write_lines(path, rows):
    """A JSON object a line. A file that has them already stays as it is: what was measured on it still stands."""
    path, text = Path(path), "".join(json.dumps(row) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def table(header, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])
