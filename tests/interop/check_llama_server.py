"""Has a real llama.cpp server play roles and a rival, beside this process.

    check_llama_server.py GLPFT LLAMA_SERVER MODEL [RUN]

MODEL is a Hugging Face directory of the Llama family with a chat template (SmolLM2-135M-Instruct). It is exported to GGUF in
single precision, LLAMA_SERVER (llama.cpp's `llama-server`) is started with it, and

- `glpft eval live --world 1` with all three roles behind it, and with one of them behind it and two in this process, must do
  what it does with all of them in this process: the same rollouts, word for word, greedy; prompts as text and as tokens
  (`--model-tokenizer`). So must `glpft eval static` (the steps' texts), also with `--stop-repeats`;
- `glpft agent run` must show the same steps;
- as a rival (`--agent`, `/v1/chat/completions` with tools) it must come to an end in both evaluations.

With RUN, a run whose planner is an adapter of MODEL (`arrangement=one-stage`), a second server gets MODEL and the planner's
adapter as GGUF (`--lora`) and must play the planner as this process does. llama.cpp computes with its cache in single precision
and without flash attention; of two tokens that are as likely as each other within rounding it might still choose the other one.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

FEW = ["--world", "1", "--group", "G1_tool", "--limit", "1", "--max-steps", "2", "--max-new-tokens", "16"]
STEPS = ["--steps", "3", "--max-new-tokens", "32"]
ROLES = ("planner", "caller", "summarizer")


def run(*command, check=True):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=1200)
    assert not check or done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@contextlib.contextmanager
def server(program, model, log, *more):
    """A server with the model, once it is ready; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Its threads wait for each other by spinning: as many as there are processors starve each other beside other work.
    threads = max(1, (os.cpu_count() or 1) // 2)
    command = [program, "-m", model, "-c", "8192", "-np", "2", "-ctk", "f32", "-ctv", "f32", "-fa", "off", "--jinja",
               "--host", "127.0.0.1", "--port", str(port), "-t", str(threads), "--alias", "llama", *more]
    with open(log, "w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        for _ in range(240):
            assert process.poll() is None, open(log).read()[-2000:]
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                if reply.status == 200:
                    break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1#llama"
    finally:
        process.terminate()
        process.wait(timeout=60)


def lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def rollouts(folder):
    """What was done, without what it cost."""
    return [{key: value for key, value in one.items() if key != "usage"} for one in lines(f"{folder}/rollouts.jsonl")]


def texts(folder):
    """What each role said at each step, and how it ended."""
    return [[(one["role"], one["text"], one["ending"]) for one in step["outputs"]] for step in lines(f"{folder}/predictions.jsonl")]


def played(glpft, folder, models, *more):
    out = os.path.join(folder, f"live-{len(os.listdir(folder))}")
    team = [f"--{role}={model}" for role, model in zip(ROLES, models, strict=True)]
    run(glpft, "eval", "live", *team, *FEW, *more, "--out", out, "--quiet")
    return rollouts(out)


def stepped(glpft, folder, models, data, *more):
    out = os.path.join(folder, f"static-{len(os.listdir(folder))}")
    team = [f"--{role}={model}" for role, model in zip(ROLES, models, strict=True)]
    run(glpft, "eval", "static", *team, "--data", data, *STEPS, *more, "--out", out, "--quiet")
    return texts(out)


def shown(glpft, models):
    """The steps that `agent run` shows."""
    team = [f"--{role}={model}" for role, model in zip(ROLES, models, strict=True)]
    found = run(glpft, "agent", "run", *team, *FEW, "--json").splitlines()
    return [json.loads(line) for line in found]


def roles(glpft, address, model, folder, data):
    """The roles behind a server against those in this process."""
    here = [model] * 3
    expected = played(glpft, folder, here)
    steps = sum(len(one["path"]) for one in expected)
    tokens = ["--model-tokenizer", model]
    for what, models, more in (
        ("three roles behind the server", [address] * 3, []),
        ("the same, sent tokens", [address] * 3, tokens),
        ("the planner there, the others here", [address, model, model], []),
    ):
        found = played(glpft, folder, models, *more)
        assert found == expected, (what, found, expected)
        print(f"eval live, {what}: the same {len(found)} rollouts of {steps} steps", flush=True)
    for what, more in (("", []), (" with --stop-repeats 2", ["--stop-repeats", "2"])):
        expected = stepped(glpft, folder, here, data, *more)
        found = stepped(glpft, folder, [address] * 3, data, *more)
        assert found == expected, (what, found, expected)
        stopped = sum(ending == "repeats" for step in found for _, _, ending in step)
        said = sum(len(step) for step in found)
        print(f"eval static{what}: the same {said} texts, {stopped} ended since they repeat themselves", flush=True)
    found = shown(glpft, [address] * 3)
    assert found == shown(glpft, here)
    print(f"agent run: the same {len(found)} events", flush=True)


def rival(glpft, address, folder, data):
    """The server as an agent that calls tools by itself."""
    out = os.path.join(folder, "rival-live")
    run(glpft, "eval", "live", "--agent", address, *FEW, "--out", out, "--quiet")
    found = rollouts(out)
    calls = sum(step["function"] != "Finish" for one in found for step in one["path"])
    ends = sorted(one["end"] for one in found)
    print(f"a rival, eval live: {len(found)} rollouts ({', '.join(ends)}), {calls} calls", flush=True)
    out = os.path.join(folder, "rival-static")
    run(glpft, "eval", "static", "--agent", address, "--data", data, *STEPS, "--out", out, "--quiet")
    with open(f"{out}/metrics.json") as file:
        report = json.load(file)
    (row,) = report["roles"]
    assert (row["role"], row["requests"]) == ("agent", 3), row
    predicted = [step["outcome"]["predicted"] for step in lines(f"{out}/predictions.jsonl")]
    calls = report["times"]["model_calls"]
    print(f"a rival, eval static: {row['requests']} steps ({', '.join(predicted)}), {row['endings']['length']} cut, "
          f"{calls['made']} calls of the server, {sum(calls.get('failed', {}).values())} failed", flush=True)


def main():
    glpft, program, model, *rest = map(os.path.abspath, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        whole, log, data = (os.path.join(folder, name) for name in ("model.gguf", "server.log", "steps"))
        run(glpft, "export", model, "--format", "gguf", "--type", "f32", "--to", whole, "--quiet")
        run(glpft, "data", "export", "sample", "--to", data)
        data = os.path.join(data, "raw_data_stage_2.json")
        with server(program, whole, log) as address:
            roles(glpft, address, model, folder, data)
            rival(glpft, address, folder, data)
        if not rest:
            print("skipped: no run with an adapter given")
            return
        lora = os.path.join(folder, "planner.gguf")
        run(glpft, "export", rest[0], "--role", "planner", "--format", "gguf", "--type", "f32", "--to", lora, "--quiet")
        with server(program, whole, log, "--lora", lora) as address:
            others = [model, model]
            expected = played(glpft, folder, [rest[0], *others])
            assert expected != played(glpft, folder, [model, *others]), "the adapter changes nothing"
            assert played(glpft, folder, [address, *others]) == expected
            print("the run's planner, an adapter behind a server: the same rollouts", flush=True)
    print("all checks passed")


main()
