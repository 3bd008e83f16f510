#!/usr/bin/env python3
"""Makes short conversations that only teach what trajectories teach slowly: exercises.py TRAJECTORIES.json OUT.json N SEED

Lookups: functions as trajectories describe them, a list of things wanted, and for each of them in its order the function that
tells it, or that none does. A trajectory asks for three functions in 1300 tokens, a lookup for eight in 700.

Answers: the calls and replies of two to four small tasks, one after the other, and what they come to.
"""

import json
import random
import re
import sys

# The share of answers.
ANSWERS = 0.5
NOUN = r"(?:a|an) ([a-z]+)"
FACTS = re.compile(rf"^The ([a-z]+) and ([a-z]+) of {NOUN}(, by its id)?\.$")
ID = re.compile(rf"^The id of {NOUN}\.$")
LIST = re.compile(rf"^The ([a-z]+) with {NOUN}\.$")
ONE = re.compile(r"^The ([a-z]+) ([a-z]+)\.$")


class Wanted:
    """What a function tells: how it is asked for, how the rationale says it, and what is sent."""

    def __init__(self, key, asked, needed, known="", sent=None):
        self.key, self.asked, self.needed, self.known, self.sent = key, asked, needed, known, sent or {}


class Exercises:
    def __init__(self, trajectories, seed):
        self.random = random.Random(seed)
        self.trajectories = trajectories
        replies = " ".join(
            turn["value"] for one in trajectories for turn in one["conversations"] if turn["from"] == "observation"
        )
        self.names = sorted(set(re.findall("[A-Z][a-z]+(?: [A-Z][a-z]+)*|[A-Z]{2}[0-9]+|[A-Z][a-z]+ [0-9]+", replies)))
        functions = {tool["function"] for one in trajectories for tool in one["tools"]}
        self.by_noun = {}
        for function in functions:
            self.by_noun.setdefault(self.noun(function), []).append(function)
        self.known = [known for one in trajectories if (known := self.small_task(one))]

    @staticmethod
    def small_task(trajectory):
        """What was asked, what was called and replied, and the answer, if that is one sentence."""
        *turns, thought, answer = trajectory["conversations"]
        found = re.match(r"Now I know (.*)\.$", thought["value"].split("\n")[0])
        if not found or answer["from"] != "conclusion" or answer["value"].count(". "):
            return None
        calls = [f"{turn['from']}: {turn['value']}" for turn in turns if turn["from"] in ("caller", "observation")]
        return (found[1], "\n".join(calls), answer["value"]) if len(calls) <= 6 else None

    def answer(self):
        tasks = self.random.sample(self.known, self.random.randint(2, 4))
        asked = f"{', '.join(task[0] for task in tasks[:-1])} and {tasks[-1][0]}"
        calls = "\n".join(task[1] for task in tasks)
        return f"I want {asked}.\n{calls}", f"Now I know {asked}.\nconclusion: {' '.join(task[2] for task in tasks)}"

    @staticmethod
    def noun(function):
        found = FACTS.match(function)
        if found:
            return found[3]
        found = ID.match(function) or ONE.match(function)
        return found[found.lastindex] if found else function.split()[1]

    @staticmethod
    def keys(function):
        """What it tells, each thing by a key of its own."""
        if found := FACTS.match(function):
            return [(found[1], found[3]), (found[2], found[3])]
        if found := ID.match(function):
            return [("id", found[1])]
        return [(function,)]

    def wanted(self, function):
        r = self.random
        name = r.choice(self.names)
        if found := FACTS.match(function):
            first, second, noun, by_id = found.groups()
            what = r.choice([first, first, second, second, f"{first} and the {second}"])
            asked, needed = f"the {what} of the {noun} {name}", f"the {what} of {name}"
            if not by_id:
                return Wanted(what, asked, needed, sent={noun: name})
            number = r.randint(1000, 9999)
            return Wanted(what, f"{asked} ({number})", needed, f"The id of {name} is {number}. ", {f"{noun}_id": number})
        if found := ID.match(function):
            return Wanted("id", f"the id of the {found[1]} {name}", f"the id of {name}", sent={found[1]: name})
        if found := LIST.match(function):
            said = f"the {found[1]} with the {found[2]} {name}"
            sent = {found[2]: name}
            if r.random() < 0.3:
                limit = r.randint(2, 9)
                said = f"{r.choice(['', 'up to '])}{limit} of {said}"
                sent["limit"] = limit
            return Wanted(function, said, said, sent=sent)
        said = "the " + function[4:-1]
        return Wanted(function, said, said)

    def lookup(self):
        r = self.random
        tools = {}
        for one in r.sample(self.trajectories, r.choice([1, 2, 2])):
            for tool in one["tools"]:
                tools[tool["Name"]] = tool
        tools = r.sample(list(tools.values()), min(len(tools), 7))
        count = {}
        for tool in tools:
            for key in self.keys(tool["function"]):
                count[key] = count.get(key, 0) + 1
        clear = [tool for tool in tools if all(count[key] == 1 for key in self.keys(tool["function"]))]
        nouns = {self.noun(tool["function"]) for tool in tools}
        absent = [
            function
            for noun in sorted(nouns)
            for function in self.by_noun[noun]
            if not any(key in count for key in self.keys(function))
        ]
        if len(clear) < 2 or not absent:
            return self.lookup()
        whole = r.random() < 0.3
        asked, said = [], []
        # Twice at most, so that it is found among the functions and not in what was said before.
        turns = [tool for tool in clear for _ in range(1 if ONE.match(tool["function"]) else 2)]
        turns += r.sample(absent, min(len(absent), r.choice([0, 1, 2])))
        for tool in r.sample(turns, min(len(turns), 10)):
            if isinstance(tool, str):
                wanted = self.wanted(tool)
                line = f"No function tells me {wanted.needed}."
                wanted.asked = re.sub(r" \(\d+\)$", "", wanted.asked)
            else:
                wanted = self.wanted(tool["function"])
                line = f"{wanted.known}I need {wanted.needed}. I call {tool['Name']}."
                if whole:
                    line += f"\nAction: {tool['Name']}\nAction Input: {json.dumps(wanted.sent)}"
            asked.append(wanted.asked)
            said.append(line)
        shown = tools if whole else [{key: tool[key] for key in ("Name", "function")} for tool in tools]
        doc = "\n".join(json.dumps(tool) for tool in shown)
        told = f"You have assess to the following apis:\n{doc}\n\nI want {', '.join(asked[:-1])} and {asked[-1]}."
        return told, "\n".join(said)


def main():
    source, out, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with open(source, encoding="utf-8") as file:
        exercises = Exercises(json.load(file), seed)
    conversations = []
    for number in range(count):
        told, said = exercises.answer() if exercises.random.random() < ANSWERS else exercises.lookup()
        turns = [("user", told), ("assistant", said + "\n Next: conclusion."), ("conclusion", ".")]
        turns = [{"from": speaker, "value": text} for speaker, text in turns]
        conversations.append({"tools": [], "instruction": f"exercise {number}", "conversations": turns})
    with open(out, "w", encoding="utf-8") as file:
        json.dump(conversations, file)


if __name__ == "__main__":
    main()
