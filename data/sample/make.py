#!/usr/bin/env python3
"""Makes the sample data: invented ToolBench answers in the raw layout, one file a trajectory.

    python data/sample/make.py            writes answer/, test_query_ids/ and files.rs beside this script
    python data/sample/make.py --check    exits 1 where the committed files are not what this script makes

Standard library only. Every path that the data pipeline distinguishes occurs; build() says which and how often.
"""

import argparse
import copy
import json
import pathlib
import random
import shutil
import sys
from collections import Counter

sys.dont_write_bytecode = True  # no __pycache__ beside the data
from domains import DOMAINS  # noqa: E402

HERE = pathlib.Path(__file__).parent
OBSERVATION_LIMIT = 1024
ERRORS = [("Message error...", 11), ("API not working error...", 6), ("Timeout error...", 5), ("Rate limit error...", 10)]
FINISH = dict(
    name="Finish",
    description="Ends the task with an answer, or gives up.",
    parameters=dict(
        type="object",
        properties=dict(
            return_type=dict(type="string", enum=["give_answer", "give_up_and_restart"]),
            final_answer=dict(type="string", description="The answer for the user."),
        ),
        required=["return_type"],
    ),
)
THOUGHTS = dict(
    first=["I look up {value}.", "I ask {name} about {value}.", None],
    next=["Now I look up {value}.", "Next I need {value}.", None],
    listing=["I need the id of {value}, so I list them all.", None],
    by_id=["The id of {value} is {id}. I use it.", "{value} has the id {id}."],
    again=["That failed. I try {name}.", "The call gave an error, so I ask {name}.", None],
    unknown=["There is no such function. I use {name}."],
    done=["I have all that was asked.", "Now I can answer.", None],
    stop=["No function works, I cannot answer.", "All calls fail. I give up.", None],
)
random_numbers = random.Random(20240114)


def pick(options):
    # Only random() promises the same numbers in every Python version.
    return options[int(random_numbers.random() * len(options))]


def name_of(domain, kind):
    return f"{domain[kind][0]}_for_{domain['tool']}"


def function(domain, kind):
    name, type_, description = domain["key" if kind in ("find", "other") else "id"]
    argument = dict(type=type_) | ({} if description is None else dict(description=description))
    properties = {} if kind == "list" else {name: argument}
    parameters = dict(type="object", properties=properties, required=list(properties), optional=[])
    return dict(name=name_of(domain, kind), description=domain[kind][1], parameters=parameters)


class Trajectory:
    """The messages of one answer file, the tree nodes beside them, and how it ended."""

    def __init__(self, wanted, kinds):
        """`wanted`: (domain, record) pairs that are asked for; `kinds`: which functions are offered."""
        self.wanted = [(d, dict(zip(d["fields"], r))) for d, r in wanted]
        asks = [pick(d["ask"]).format(**r) for d, r in self.wanted]
        self.query = " Also: ".join(asks)
        domains = [d for i, (d, _) in enumerate(wanted) if d not in [x for x, _ in wanted[:i]]]
        self.functions = [function(d, k) for d in domains for k in kinds] + [FINISH]
        tools = "".join(f"{i}.{d['tool']}: {d['about']}\n" for i, d in enumerate(domains, 1))
        system = "You solve tasks with functions, one call at a step, and end with Finish.\nYou have these tools:\n" + tools
        self.messages = [dict(role="system", content=system), dict(role="user", content=f"\n{self.query}\nBegin!\n")]
        self.prefixes, self.nodes, self.siblings, self.final = [], [], {}, ""

    def assistant(self, thought, name=None, arguments=None, observation="", code=0):
        message = dict(role="assistant", content=thought)
        if thought is not None:
            self.nodes.append(("Thought", thought, None, 0))
        if name is not None:
            message["function_call"] = dict(name=name, arguments=arguments)
            self.nodes += [("Action", name, None, 0), ("Action Input", arguments, observation, code)]
        self.messages.append(message)
        self.prefixes.append(copy.deepcopy(self.messages))

    def call(self, thought, name, arguments, response="", error="", code=0):
        """One call and its observation; a response that is no string stays as it is."""
        observation = json.dumps(dict(error=error, response=response))
        if len(observation) > OBSERVATION_LIMIT:
            observation = observation[:OBSERVATION_LIMIT] + "..."
        self.assistant(thought, name, json.dumps(arguments, indent=2, ensure_ascii=False), observation, code)
        self.messages.append(dict(role="function", content=observation, name=name))

    def thought(self, kind, domain, record, name):
        text = pick(THOUGHTS[kind])
        return text and text.format(value=record[domain["key"][0]], id=record[domain["id"][0]], name=name)

    def ask(self, kind, domain, record, thought, response=None, **failure):
        """Asks a function of the domain about the record; `failure` is error and code."""
        name = name_of(domain, kind)
        key = None if kind == "list" else domain["key" if kind in ("find", "other") else "id"][0]
        if failure:
            response = ""
        elif response is None and kind == "list":
            response = str([{k: r[k] for k in (domain["key"][0], domain["id"][0])} for r in self.rows(domain)])
        elif response is None:
            response = str(record)
        arguments = {key: record[key]} if key else {}
        self.call(self.thought(thought, domain, record, name), name, arguments, response, **failure)

    def rows(self, domain):
        return [dict(zip(domain["fields"], r)) for r in domain["records"]]

    def fail(self, kind, domain, record, thought="first"):
        error, code = pick(ERRORS)
        self.ask(kind, domain, record, thought, error=error, code=code)

    def look_up_all(self):
        for i, (domain, record) in enumerate(self.wanted):
            self.ask("find", domain, record, "next" if i else "first")
        return self

    def diversity(self):
        """The user turn by which the search asks for another action than the one that failed."""
        call = self.messages[-2]["function_call"]
        tried = dict(name=call["name"], arguments=call["arguments"], function_output=self.messages[-1]["content"])
        tried["mento-carlo-action-value"] = 0.0
        self.siblings[len(self.nodes) - 1] = call
        text = "This is not the first time you try this task, all previous trails failed.\n"
        text += "These actions were tried here before:\n" + json.dumps([tried], indent=2)
        text += "\nThink about why they failed, then choose an action that is not among them."
        self.messages.append(dict(role="user", content=text))

    def answer(self):
        text = " ".join(pick(d["answer"]).format(**r) for d, r in self.wanted)
        return dict(return_type="give_answer", final_answer=text[0].upper() + text[1:])

    def finish(self, arguments=None, thought="done", code=3):
        arguments = self.answer() if arguments is None else arguments
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, indent=2, ensure_ascii=False)
        self.assistant(self.thought(thought, *self.wanted[0], ""), "Finish", text, "", code)
        self.final, self.code = text, code
        return self

    def give_up(self):
        return self.finish(dict(return_type="give_up_and_restart"), "stop", 4)

    def chain(self):
        """The nodes of the path: one after the other, each the child of the one before."""
        nodes = []
        for depth, (type_, description, observation, code) in enumerate(self.nodes, 1):
            node = dict(is_terminal=False, pruned=False, finished=depth == len(self.nodes), depth=depth)
            node |= dict(node_type=type_, description=description, Elo=1000.0, child_count=1, expand_num=0)
            if observation is not None:
                node |= dict(observation=observation, observation_code=code)
            nodes.append(node)
        if nodes:
            nodes[-1]["child_count"] = 0
        return nodes

    def file(self, method="DFS", train_messages=True, valid=True):
        won = self.final != "" and self.code == 3
        record = dict(win=won)
        nodes = self.chain()
        if method == "DFS":
            tree = None
            for depth, node in reversed(list(enumerate(nodes))):
                node["children"] = [tree] if tree else []
                if depth in self.siblings:
                    call = self.siblings[depth]
                    other = dict(is_terminal=False, pruned=True, finished=False, depth=depth + 1, node_type="Action")
                    node["children"].insert(0, other | dict(description=call["name"], children=[]))
                tree = node
            root = dict(is_terminal=False, pruned=False, finished=False, depth=0, node_type="Action Input", description="")
            root["children"] = [tree] if tree else []
            record["tree"] = dict(size=len(nodes) + 1, max_length=len(nodes) + 1, tree=root)
            forward = dict(single_chain_max_step=12, tree_beam_size=2, max_query_count=200, answer=1, with_filter=False)
        else:
            record |= dict(try_count=1, trys=[dict(chain=nodes, win=won)])
            forward = dict(chain_count=1, max_observation_length=OBSERVATION_LIMIT, answer=1)
        record |= dict(forward_args=forward, compare_candidates=[])
        answer = dict(valid_data=valid, query_count=len(self.prefixes), total_tokens=sum(len(str(m)) for m in self.messages))
        answer |= dict(final_answer=self.final, finish_type="give_up" if self.final and self.code == 4 else "give_answer")
        answer |= dict(function=self.functions, chain=[])
        if train_messages:
            answer["train_messages"] = self.prefixes
        record["answer_generation"] = answer | dict(query=self.query)
        return record


# Each path below returns a trajectory over (domain, record) pairs.


def calls(wanted):
    return Trajectory(wanted, ["find", "list"]).look_up_all().finish()


def list_then_details(wanted):
    t = Trajectory(wanted, ["by_id", "list"])
    for domain, record in t.wanted:
        t.ask("list", domain, record, "listing")
        t.ask("by_id", domain, record, "by_id")
    return t.finish()


def error_then_other(wanted):
    t = Trajectory(wanted, ["find", "other"])
    for i, (domain, record) in enumerate(t.wanted):
        if i == 0:
            t.fail("find", domain, record)
            t.ask("other", domain, record, "again")
        else:
            t.ask("find", domain, record, "next")
    return t.finish()


def give_up(wanted):
    t = Trajectory(wanted, ["find", "other"])
    for i, (domain, record) in enumerate(t.wanted):
        t.fail("find", domain, record, "next" if i else "first")
        t.fail("other", domain, record, "again")
    return t.give_up()


def hallucinated(wanted):
    t = Trajectory(wanted, ["find", "other"])
    domain, record = t.wanted[0]
    called = f"get_{domain['find'][0]}_for_{domain['tool']}"
    arguments = {domain["key"][0]: record[domain["key"][0]]}
    thought = t.thought("first", domain, record, called)
    t.call(thought, "invalid_hallucination_function_name", arguments, error=f"No such function name: {called}", code=1)
    t.ask("find", domain, record, "unknown")
    for domain, record in t.wanted[1:]:
        t.ask("find", domain, record, "next")
    return t.finish()


def unparsed_finish(wanted):
    t = Trajectory(wanted, ["find", "list"]).look_up_all()
    text = json.dumps(t.answer(), indent=2, ensure_ascii=False)
    return t.finish(text.removesuffix("\n}"), code=3)


def unparsed_give_up(wanted):
    t = Trajectory(wanted, ["find", "other"])
    t.fail("find", *t.wanted[0])
    t.fail("other", *t.wanted[0], "again")
    return t.finish('{"return_type": "give_up_and_restart"', "stop", 4)


def no_answer(wanted):
    """A Finish that gives an answer without its text: the conclusion is `none`."""
    return Trajectory(wanted, ["find", "list"]).look_up_all().finish(dict(return_type="give_answer"))


def diversity(wanted):
    t = Trajectory(wanted, ["find", "other"])
    t.fail("find", *t.wanted[0])
    t.diversity()
    t.ask("other", *t.wanted[0], "again")
    for domain, record in t.wanted[1:]:
        t.ask("find", domain, record, "next")
    return t.finish()


def long_observation(wanted):
    """Content of more than 1024 characters is cut and no longer parses."""
    t = Trajectory(wanted, ["find", "list"])
    domain, record = t.wanted[0]
    t.ask("find", domain, record, "first", str([record] + t.rows(domain) * 3))
    return t.finish()


def thinks_aloud(wanted):
    """An assistant message without a call."""
    t = Trajectory(wanted, ["find", "list"])
    t.assistant(pick(["Let me think which function knows that.", "First I read the list of functions."]))
    return t.look_up_all().finish()


def object_response(wanted):
    """A response that is an object, not its text."""
    t = Trajectory(wanted, ["find", "list"])
    t.ask("find", *t.wanted[0], "first", t.wanted[0][1])
    return t.finish()


def empty_response(wanted):
    """A response that is empty without an error, then another function."""
    t = Trajectory(wanted, ["find", "other"])
    t.ask("find", *t.wanted[0], "first", "")
    t.ask("other", *t.wanted[0], "again")
    return t.finish()


def build():
    """({path in the source: text} of the whole source, {path of the pipeline: how often it occurs})."""
    taken = Counter()

    def wanted(*numbers):
        """The next unused record of each domain, domains counted round and round."""
        pairs = []
        for number in numbers:
            domain = DOMAINS[number % len(DOMAINS)]
            pairs.append((domain, domain["records"][taken[domain["tool"]] % len(domain["records"])]))
            taken[domain["tool"]] += 1
        return pairs

    g1 = [(calls, d) for d in range(8)] + [(error_then_other, d) for d in range(8)] + [(list_then_details, d) for d in range(0, 8, 2)]
    g1 += [(hallucinated, 1), (hallucinated, 6), (unparsed_finish, 3), (long_observation, 4), (thinks_aloud, 5)]
    g1 += [(diversity, 2), (give_up, 7), (give_up, 0), (no_answer, 6), (object_response, 1), (empty_response, 3)]
    g2 = [(calls, d, d + 3) for d in range(0, 8, 2)] + [(calls, d, d) for d in (1, 4)] + [(error_then_other, d, d + 1) for d in (1, 5)]
    g2 += [(give_up, 2, 5), (hallucinated, 4, 7), (diversity, 6, 1), (unparsed_give_up, 5), (unparsed_finish, 7, 2), (thinks_aloud, 3, 0)]
    g3 = [(calls, 0, 3, 6), (calls, 5, 1, 4), (calls, 7, 2, 0), (error_then_other, 2, 6, 1), (diversity, 4, 5, 3), (give_up, 6, 3)]

    files, counts = {}, Counter()

    def add(group, qid, path, numbers, method="DFS", label=None, **options):
        name = f"{qid}_ChatGPT_DFS_woFilter_w2" if method == "DFS" else f"{qid}_CoT@1"
        record = path(wanted(*numbers)).file(method, **options)
        files[f"answer/{group}_answer/{name}.json"] = record
        counts[label or path.__name__] += 1
        counts["CoT@1" if method == "CoT" else "DFS"] += 1

    for group, entries, first in (("G1", g1, 1), ("G2", g2, 101), ("G3", g3, 201)):
        for i, (path, *numbers) in enumerate(entries):
            # Every ninth is a CoT file. Gaps in the numbers are normal in ToolBench.
            add(group, first + i, path, numbers, "CoT" if i % 9 == 4 else "DFS")
    # A test id counts in every group, whichever group's list names it.
    add("G1", 60, calls, [2], label="excluded by test ids")
    add("G3", 60, calls, [3, 5], label="excluded by test ids")
    add("G2", 130, calls, [6, 0], label="excluded by test ids")
    add("G1", 61, give_up, [1], label="without train_messages", train_messages=False, valid=False)
    add("G2", 131, error_then_other, [7, 3], label="not valid", valid=False)

    ids = {n: {} for n in ("G1_category", "G1_instruction", "G1_tool", "G2_category", "G2_instruction", "G3_instruction")}
    ids["G1_instruction"] = {"60": 0}
    ids["G2_instruction"] = ["130"]  # a plain list is read as well
    files |= {f"test_query_ids/{n}.json": v for n, v in ids.items()}
    texts = {p: json.dumps(v, separators=(",", ":")) + "\n" for p, v in sorted(files.items())}
    listed = "".join(f'    ("{p}", include_str!("{p}")),\n' for p in texts)
    texts["files.rs"] = "// Made by make.py: what the binary carries of this directory.\n[\n" + listed + "]\n"
    return texts, dict(sorted(counts.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare the committed files and write nothing")
    check = parser.parse_args().check
    texts, counts = build()
    if check:
        there = {str(p.relative_to(HERE)) for d in ("answer", "test_query_ids") for p in (HERE / d).rglob("*.json")}
        wrong = [p for p, t in texts.items() if not (HERE / p).is_file() or (HERE / p).read_text("utf-8") != t]
        wrong += sorted(there - set(texts))
        for path in wrong:
            print(f"differs: {path}", file=sys.stderr)
        sys.exit(1 if wrong else 0)
    for directory in ("answer", "test_query_ids"):
        shutil.rmtree(HERE / directory, ignore_errors=True)
    for path, text in texts.items():
        (HERE / path).parent.mkdir(parents=True, exist_ok=True)
        (HERE / path).write_text(text, "utf-8")
    print(f"{len(texts)} files, {sum(map(len, texts.values())) // 1024} KiB: {counts}")


if __name__ == "__main__":
    main()
