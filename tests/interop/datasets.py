#!/usr/bin/env python3
"""Public sets of calls as `glpft data check` reads them: what share of the records and calls is kept.

    tests/interop/datasets.py GLPFT PACKAGES

GLPFT is the program. PACKAGES is a folder with the unpacked data of two PyPI packages; nothing of them is run:

    pip download --no-deps bfcl-eval nestful-wrapper && for file in *.whl; do unzip -qn "$file" -d PACKAGES; done

BFCL's single-turn rows and NESTful's become xLAM records (`query`, `tools`, `answers`), its multi-turn rows OpenAI messages.
Of BFCL's lists of possible values the first that is not empty is taken. Replies of tools stand in neither set: they are empty here.
"""

import argparse
import ast
import json
import pathlib
import subprocess
import tempfile

SINGLE = ["simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple"]
LIVE = ["live_simple", "live_multiple", "live_parallel", "live_parallel_multiple"]
MULTI = ["multi_turn_base", "multi_turn_long_context", "multi_turn_miss_param"]
DOCS = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def bfcl(folder, name):
    answers = {row["id"]: row["ground_truth"] for row in lines(folder / "possible_answer" / f"BFCL_v4_{name}.json")}
    return [(row, answers[row["id"]]) for row in lines(folder / f"BFCL_v4_{name}.json")]


def chosen(values):
    given = {key: next((value for value in some if value != ""), None) for key, some in values.items()}
    return {key: value for key, value in given.items() if value is not None}


def single_turn(folder, name):
    for row, truth in bfcl(folder, name):
        said = [message for turn in row["question"] for message in turn]
        query = "\n".join(message["content"] for message in said)
        answers = [{"name": name, "arguments": chosen(values)} for call in truth for name, values in call.items()]
        yield {"query": query, "tools": row["function"], "answers": answers}


def value(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def called(text, functions):
    call = ast.parse(text.strip(), mode="eval").body
    name = ast.unparse(call.func)
    names = list(functions.get(name, {}).get("parameters", {}).get("properties", {}))
    arguments = {key: value(node) for key, node in zip(names, call.args, strict=False)}
    arguments |= {keyword.arg: value(keyword.value) for keyword in call.keywords}
    return {"name": name, "arguments": json.dumps(arguments)}


def multi_turn(folder, name):
    for row, truth in bfcl(folder, name):
        functions = {}
        for class_name in row["involved_classes"]:
            for function in lines(folder / "multi_turn_func_doc" / f"{DOCS[class_name]}.json"):
                functions[function["name"]] = function
        messages = []
        for turn, (said, calls) in enumerate(zip(row["question"], truth, strict=False)):
            messages += said
            for number, call in enumerate(calls):
                name = f"{turn}-{number}"
                made = {"id": name, "type": "function", "function": called(call, functions)}
                messages.append({"role": "assistant", "content": None, "tool_calls": [made]})
                messages.append({"role": "tool", "tool_call_id": name, "content": ""})
        yield {"messages": messages, "tools": [{"type": "function", "function": one} for one in functions.values()]}


def nestful(folder, name):
    path = folder / name
    stem = next(path.parent.glob(f"{path.name}-data.json"))
    specs = json.loads((path.parent / f"{path.name}-spec.json").read_text(encoding="utf-8"))
    tools = {spec["name"]: spec for spec in specs}
    for row in json.loads(stem.read_text(encoding="utf-8")):
        calls = [call for call in row["output"] if call["name"] != "var_result"]
        answers = [{"name": call["name"], "arguments": call["arguments"]} for call in calls]
        offered = [tools[name] for name in dict.fromkeys(call["name"] for call in calls) if name in tools]
        functions = [
            {"name": one["name"], "description": one["description"], "parameters": one.get("query_parameters") or {}}
            for one in offered
        ]
        yield {"query": row["input"], "tools": functions, "answers": answers}


def check(glpft, name, records):
    records = list(records)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "records.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        told = subprocess.run([glpft, "data", "check", path, "--json"], stdout=-1, stderr=-1, text=True)
    if told.returncode != 0:
        print(f"{name:24} {told.stderr.strip()[:300]}")
        return
    report = json.loads(told.stdout)[0]["report"]
    steps, faults = report["steps"], sum(report["faults"].values())
    learned = steps["caller"]
    print(
        f"{name:24} {report['kept']:5} of {len(records):5} records  {learned:6} of {learned + faults:6} calls learned"
    )
    for what, count in report["faults"].items():
        print(f"{'':27}{count} {what}")
    for one in report["first_faults"][:2]:
        print(f"{'':27}such as {one['reason'][:150]}")
    for one in report["bad"][:3]:
        print(f"{'':27}bad: {one['reason'][:150]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glpft")
    parser.add_argument("packages", type=pathlib.Path)
    arguments = parser.parse_args()
    data = arguments.packages / "bfcl_eval" / "data"
    for name in SINGLE + LIVE:
        check(arguments.glpft, f"BFCL {name}", single_turn(data, name))
    for name in MULTI:
        check(arguments.glpft, f"BFCL {name}", multi_turn(data, name))
    for name in ["executable/executable", "non-executable/non-executable-glaive", "non-executable/non-executable-sgd"]:
        check(arguments.glpft, f"NESTful {name.split('-')[-1].split('/')[-1]}", nestful(arguments.packages / "data_v1", name))


if __name__ == "__main__":
    main()
