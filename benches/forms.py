#!/usr/bin/env python3
"""`glpft prepare` over OpenAI records and over the same trajectories as stage 2: bytes a second of one core, peak memory.

    benches/forms.py GLPFT MODEL [--records N] [--fraction F]

GLPFT is the program, MODEL a Hugging Face directory. The records are made here, of a fixed seed; `glpft data convert` writes
them as stage 2. One thread, all four data sets, CPU time. The bytes are those of each file, so a form that says the same in
fewer bytes has the lower rate at the same time; records a second are told as well. All records are read twice whatever --fraction
is: it is the share of them that become tokens, which takes most of the time and is the same for every form.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import tempfile

WORDS = "the rain in Oslo falls mainly on a plain while ships of many towns carry apples salt and letters home".split()


def text(numbers, words):
    return " ".join(numbers.choices(WORDS, k=words)).capitalize() + "."


def tool(numbers, name):
    properties = {
        numbers.choice(WORDS): {"type": "string", "description": text(numbers, 8)} for _ in range(numbers.randint(1, 4))
    }
    parameters = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    function = {"name": name, "description": text(numbers, 15), "parameters": parameters}
    return {"type": "function", "function": function}


def record(numbers, index):
    names = [f"{numbers.choice(WORDS)}_for_{numbers.choice(WORDS)}_{index}_{number}" for number in range(4)]
    messages = [{"role": "user", "content": f"{text(numbers, 25)} ({index})"}]
    for call in range(numbers.randint(1, 4)):
        function = {"name": numbers.choice(names), "arguments": json.dumps({"value": text(numbers, 3)})}
        calls = [{"id": f"call_{call}", "type": "function", "function": function}]
        message = {"role": "assistant", "content": None, "reasoning_content": text(numbers, 20), "tool_calls": calls}
        reply = {"role": "tool", "tool_call_id": f"call_{call}", "content": json.dumps({"found": text(numbers, 40)})}
        messages += [message, reply]
    messages.append({"role": "assistant", "content": text(numbers, 30), "reasoning_content": text(numbers, 10)})
    return {"messages": messages, "tools": [tool(numbers, name) for name in names]}


def prepare(glpft, source, model, run, fraction):
    """CPU seconds, peak bytes, the report."""
    command = [glpft, "prepare", "smollm2-135m-lora", "--threads=1", "--json", f"--out={run}"]
    keys = {"data.source": source, "model.base": model, "data.fraction": fraction}
    arguments = command + [f"--set={key}={value}" for key, value in keys.items()]
    environment = os.environ | {"RAYON_NUM_THREADS": "1"}
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True)
    told = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(arguments)}: status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, json.loads(told)["report"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glpft")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--fraction", type=float, default=1.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        openai, stage2 = folder / "openai.jsonl", folder / "stage2.json"
        numbers = random.Random(0)
        with open(openai, "w", encoding="utf-8") as file:
            for index in range(arguments.records):
                file.write(json.dumps(record(numbers, index)) + "\n")
        convert = [arguments.glpft, "data", "convert", openai, "--form", "stage2", "--to", stage2, "--quiet"]
        subprocess.run(convert, check=True)
        found = {}
        for form, source in [("stage 2", stage2), ("OpenAI", openai)]:
            seconds, peak, report = prepare(arguments.glpft, source, arguments.model, folder / form.replace(" ", ""), arguments.fraction)
            tokens = {name: dataset["tokens"] for name, dataset in report["datasets"].items()}
            found[form] = (seconds, peak, tokens)
            size = source.stat().st_size
            print(
                f"{form:8} {size / 1e6:8.1f} MB  {seconds:7.1f} s  {size / 1e6 / seconds:6.2f} MB/s  "
                f"{arguments.records / seconds:7.0f} records/s  {peak / 1e6:6.1f} MB of memory"
            )
        (old, memory, tokens), (new, more, same) = found["stage 2"], found["OpenAI"]
        print(f"time {new / old:.3f}, memory {more / memory:.3f} of stage 2's; the same tokens: {tokens == same}")


if __name__ == "__main__":
    main()
