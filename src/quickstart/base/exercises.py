#!/usr/bin/env python3
"""Makes short conversations that only teach what trajectories teach slowly: exercises.py TRAJECTORIES.json TOKENIZER OUT.json
N SEED

Lookups: functions as trajectories describe them, a list of things wanted, and for each of them in its order the function that
tells it, or that none does. A trajectory asks for two or three functions in 270 tokens, a lookup for ten in 480.

Answers: the calls and replies of two to four small tasks, one after the other, and what they come to.
"""

import json
import random
import re
import sys

from names import NewNames

# The share of answers.
ANSWERS = 0.3
# The share of names that no world gives, in lookups.
NEW = 0.5
# The share of things told by one function, where that one has failed.
AGAIN = 0.1
NOUN = r"(?:a|an) ([a-z]+)"
FACTS = re.compile(rf"^The ([a-z]+)(?: and ([a-z]+))? of {NOUN}(, by its id)?\.$")
LIST = re.compile(rf"^The ([a-z]+) with {NOUN}\.$")
ONE = re.compile(r"^The ([a-z]+) ([a-z]+)\.$")


class Function:
    """What a function tells, read off its description; an id is a fact as others are."""

    def __init__(self, tool):
        self.tool, self.name, self.description = tool, tool["Name"], tool["function"]
        self.columns, self.by_id = (), False
        if found := FACTS.match(self.description):
            self.columns = tuple(column for column in found.groups()[:2] if column)
            self.noun, self.by_id = found[3], bool(found[4])
        elif found := LIST.match(self.description):
            self.plural, self.noun = found.groups()
        else:
            self.noun = ONE.match(self.description)[2]

    def is_beside(self, other):
        """Whether they are of one tool: only such know its ids."""
        return self.name.split("_for_")[-1] == other.name.split("_for_")[-1]

    def wants(self):
        """What is asked of it: the columns from the first one on, or the one thing that it tells."""
        if not self.columns:
            return [self.description]
        return [(self.noun, self.columns[:count]) for count in range(1, len(self.columns) + 1)]

    def tells(self, want):
        if isinstance(want, str):
            return self.description == want
        return self.noun == want[0] and set(want[1]) <= set(self.columns)


class Exercises:
    def __init__(self, trajectories, tokenizer, seed):
        self.random = random.Random(seed)
        self.new = NewNames(tokenizer, seed)
        self.trajectories = trajectories
        replies = "\n".join(
            turn["value"] for one in trajectories for turn in one["conversations"] if turn["from"] == "observation"
        )
        self.names = sorted(set(re.findall("[A-Z][a-z]+(?: [A-Z][a-z]+)*|[A-Z]{2}[0-9]+|[A-Z][a-z]+ [0-9]+", replies)))
        every = {tool["function"]: tool for one in trajectories for tool in one["tools"]}
        self.wants = sorted({want for tool in every.values() for want in Function(tool).wants()}, key=str)
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
        return [], f"Answer: {asked}.\n{calls}", f"Now I know {asked}.\nconclusion: {' '.join(task[2] for task in tasks)}"

    def needed(self, want):
        """How it is asked for, and what is sent."""
        r = self.random
        name = self.new.any() if r.random() < NEW else r.choice(self.names)
        if not isinstance(want, str):
            noun, columns = want
            return f"the {' and the '.join(columns)} of the {noun} {name}", {noun: name}
        if found := LIST.match(want):
            said = f"the {found[1]} with the {found[2]} {name}"
            sent = {found[2]: name}
            if r.random() < 0.3:
                limit = r.randint(2, 9)
                said = f"{r.choice(['', 'up to '])}{limit} of {said}"
                sent["limit"] = limit
            return said, sent
        return "the " + want[4:-1], {}

    def step(self, want, functions):
        """What is wanted, and the step that it takes: thought, function and arguments."""
        asked, sent = self.needed(want)
        telling = [function for function in functions if function.tells(want)]
        need = f"I need {asked}."
        if telling and telling[0].by_id:
            ((noun, name),) = sent.items()
            if self.random.random() < 0.5:
                number = self.random.randint(1000, 9999)
                asked += f" ({number})"
                need, sent = f"The id of {name} is {number}. {need}", {f"{noun}_id": number}
            else:
                need += f" I call {telling[0].name} when I know the id of the {noun} {name}."
                ids = [function for function in functions if function.tells((noun, ("id",)))]
                telling = [function for function in ids if telling[0].is_beside(function)]
        elif len(telling) > 1 or telling and self.random.random() < AGAIN:
            # Another one, if there is.
            self.random.shuffle(telling)
            asked += f" without {telling.pop().name}"
            need = f"This call failed. {need}"
            if not telling:
                return asked, f"{need} No other function tells it.", None, None
        if not telling:
            return asked, f"{need} No function tells it.", None, None
        return asked, f"{need} I call {telling[0].name}.", telling[0], sent

    def wanted(self):
        """Some functions, and what is wanted: each thing that one tells, and some that none does."""
        r = self.random
        tools = {}
        for one in r.sample(self.trajectories, r.choice([1, 2, 2])):
            for tool in one["tools"]:
                tools[tool["Name"]] = tool
        functions = [Function(tool) for tool in r.sample(list(tools.values()), min(len(tools), 7))]
        wants = sorted({want for function in functions for want in function.wants()}, key=str)
        telling = {want: [function for function in functions if function.tells(want)] for want in wants}
        twice = [want for want, by in telling.items() if len(by) == 2 and not any(function.by_id for function in by)]
        clear = [want for want, by in telling.items() if len(by) == 1]
        nouns = {function.noun for function in functions}
        absent = [
            want
            for want in self.wants
            if not isinstance(want, str) and want[0] in nouns or isinstance(want, str) and want[4:-1].split()[-1] in nouns
            if not any(function.tells(want) for function in functions)
        ]
        if len(clear) < 2 or not absent:
            return self.wanted()
        # Twice at most, so that it is found among the functions and not in what was said before.
        wanted = [want for want in clear for _ in range(1 if isinstance(want, str) and ONE.match(want) else 2)]
        wanted += r.sample(twice, min(len(twice), 2)) * 2
        wanted += r.sample(absent, min(len(absent), r.randint(2, 5)))
        return functions, wanted

    def lookup(self):
        r = self.random
        functions, wanted = self.wanted()
        whole = r.random() < 0.3
        asked, said = [], []
        for want in r.sample(wanted, min(len(wanted), 10)):
            phrase, line, function, sent = self.step(want, functions)
            if whole and function:
                line += f"\nAction: {function.name}\nAction Input: {json.dumps(sent)}"
            asked.append(phrase)
            said.append(line)
        tools = [function.tool for function in functions]
        return tools, f"Functions for {', '.join(asked[:-1])} and {asked[-1]}.", "\n".join(said)


def main():
    source, tokenizer, out, count, seed = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    with open(source, encoding="utf-8") as file:
        exercises = Exercises(json.load(file), tokenizer, seed)
    conversations = []
    for number in range(count):
        tools, told, said = exercises.answer() if exercises.random.random() < ANSWERS else exercises.lookup()
        turns = [("user", told), ("assistant", said + "\n Next: conclusion."), ("conclusion", ".")]
        turns = [{"from": speaker, "value": text} for speaker, text in turns]
        conversations.append({"tools": tools, "instruction": f"exercise {number}", "conversations": turns})
    with open(out, "w", encoding="utf-8") as file:
        json.dump(conversations, file)


if __name__ == "__main__":
    main()
