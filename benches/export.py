#!/usr/bin/env python3
"""The published pipeline's conversions in plain Python, to measure `glpft data export` against.

    benches/export.py SOURCE TO      SOURCE holds answer/ and test_query_ids/; writes six JSON files into TO

The same files, byte for byte, as `glpft data export alpha-umi-7b --set data.source=SOURCE --to TO` (compat).
Standard library only.
"""

import json
import pathlib
import sys
import tomllib

PROMPTS = pathlib.Path(__file__).parent.parent / "data/src/prompts.toml"
HALLUCINATED = "invalid_hallucination_function_name"
NEXT = dict(caller="Next: caller.", conclusion="Next: conclusion.", give_up="Next: give up.")


def stage_1(source):
    tests = set()
    for file in (source / "test_query_ids").glob("*.json"):
        tests.update(str(id) for id in json.loads(file.read_text(encoding="utf-8")))
    for group in ("G1_answer", "G2_answer", "G3_answer"):
        for path in sorted((source / "answer" / group).glob("*.json")):
            if path.name.split("_")[0] in tests:
                continue
            with open(path, encoding="utf-8") as file:
                answer = json.load(file)["answer_generation"]
            if "train_messages" not in answer:
                continue
            tools = []
            for function in answer["function"]:
                if function["name"] == "Finish":
                    continue
                arguments = {}
                for name, argument in function["parameters"]["properties"].items():
                    text = argument["type"]
                    if "description" in argument:
                        text += ", " + argument["description"][-256:]
                    arguments[name] = text
                name, about = function["name"][-64:], function["description"][:256]
                tools.append({"Name": name, "function": about, "input": arguments})
            yield {"tools": tools, "instruction": answer["query"], "chains": answer["train_messages"][-1]}


def final_answer(arguments, content):
    """None where it gives up."""
    try:
        parsed = json.loads(arguments)
        if parsed["return_type"] == "give_up_and_restart":
            return None
        return parsed.get("final_answer", "none")
    except (ValueError, TypeError, KeyError):
        if "give_up_and_restart" in arguments:
            return None
        if '"final_answer": ' in arguments:
            return arguments.split('"final_answer": ', 1)[1].strip().strip("}").strip('"')
        return "none" if content is None else content


def observation(content):
    try:
        return json.loads(content)["response"]
    except ValueError:
        return content.split('"response":', 1)[1] if '"response":' in content else ""


def stage_2(trajectory):
    turns = [{"from": "user", "value": trajectory["instruction"]}]

    def say(speaker, value):
        turns.append({"from": speaker, "value": value})

    for message in trajectory["chains"][2:]:
        content = message["content"]
        if message["role"] == "user":
            say("user", content)
        elif message["role"] == "function":
            say("observation", observation(content))
        elif message["role"] == "assistant" and message.get("function_call"):
            call = message["function_call"]
            span = "" if content is None else content + "\n"
            if call["name"] != "Finish":
                say("assistant", f"{span} {NEXT['caller']}")
                say("caller", f"Action: {call['name']}\nAction Input: {call['arguments']}")
                continue
            answer = final_answer(call["arguments"], content)
            if answer is None:
                say("assistant", f"{span} {NEXT['give_up']}")
            else:
                say("assistant", f"{span} {NEXT['conclusion']}")
                say("conclusion", answer)
    return {"tools": trajectory["tools"], "instruction": trajectory["instruction"], "conversations": turns}


def rendered(speaker, value):
    return f"{speaker}: {value}" + ("" if speaker == "observation" else "</s>")


def role_examples(role, template, conversations):
    last = None
    for conversation in conversations:
        tools, turns = conversation["tools"], conversation["conversations"]
        doc = "".join(json.dumps(tool) + "\n" for tool in tools)
        names = ", ".join(tool["Name"] for tool in tools)

        def example(index, target, history, thought="", text=None):
            if text is None:
                text = template.format(doc=doc, tool_names=names, history=history, thought=thought)
            return {"tools": tools, "history": turns[:index], "input": text, "target": target}

        history, thought = "", ""
        for index, turn in enumerate(turns):
            speaker, value = turn["from"], turn["value"]
            next = turns[index + 1] if index + 1 < len(turns) else {"from": None, "value": ""}
            if role == "backbone":
                if speaker in ("caller", "conclusion"):
                    continue
                if speaker == "assistant":
                    joined = None
                    if NEXT["give_up"] in value:
                        joined = value.replace(NEXT["give_up"], "").strip() + "\nconclusion: give up."
                        # The published script's stale variable.
                        yield example(index, joined, history, text=last)
                    elif next["from"] == "caller":
                        joined = value.replace(NEXT["caller"], "").strip() + "\n" + next["value"]
                    elif next["from"] == "conclusion":
                        joined = value.replace(NEXT["conclusion"], "").strip() + "\nconclusion: " + next["value"]
                    if joined is not None and NEXT["give_up"] not in value:
                        made = example(index, joined, history)
                        last = made["input"]
                        yield made
                    value = value if joined is None else joined
                history += rendered(speaker, value)
                continue
            hallucinated = speaker == "caller" and HALLUCINATED in value
            if role == "planner" and speaker == "assistant":
                hands_over = next["from"] in ("caller", "conclusion") or NEXT["give_up"] in value
                if hands_over and not (next["from"] == "caller" and HALLUCINATED in next["value"]):
                    yield example(index, value, history)
            if role == "caller" and speaker == "caller" and not hallucinated:
                yield example(index, value, history, thought)
            if role == "summarizer" and speaker == "conclusion":
                if value == "none":
                    continue
                yield example(index, value, history)
            if not (role == "caller" and hallucinated):
                history += rendered(speaker, value)
            thought = value


def main():
    source, to = map(pathlib.Path, sys.argv[1:])
    to.mkdir(parents=True, exist_ok=True)

    def write(name, elements):
        with open(to / f"{name}.json", "w", encoding="utf-8") as file:
            json.dump(elements, file, indent=2)

    trajectories = list(stage_1(source))
    write("raw_data_stage_1", trajectories)
    conversations = [stage_2(trajectory) for trajectory in trajectories]
    write("raw_data_stage_2", conversations)
    templates = tomllib.loads(PROMPTS.read_text(encoding="utf-8"))
    for role in ("backbone", "planner", "caller", "summarizer"):
        write(f"train_{role}", list(role_examples(role, templates[role], conversations)))


if __name__ == "__main__":
    main()
