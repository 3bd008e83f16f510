#!/usr/bin/env python3
"""Makes short texts, each of which exercises one skill that an agent needs: skills.py TRAJECTORIES.json TOKENIZER OUT.json N
SEED KIND=SHARE…

Lookups: functions, a list of things wanted, and for each the function that tells it with its arguments, or that none does.
Parts: requests with what was found for each so far, and the part of each that is still wanted.
Records: what each of some records or messages tells.
Answers: records, and the sentences that they make.
Notes: a request, and in their order what is looked up and what is found, down to the sentences that answer it or to where
nothing tells it.

The worlds' trajectories give the functions, requests, records and sentences. No text is one of an agent's prompts or steps: the
notes know no functions, the lookups no requests, and nothing here thinks, calls, or hands over.
"""

import json
import random
import re
import sys

from names import NewNames

# How notes say what came of the last thing that was looked up.
TOLD = {"This call failed.": "not told.", "This does not help.": "not that."}
# The share of names that no world gives, in lookups.
NEW = 0.5
# The share of things told by one function, where that one is not to be used.
AGAIN = 0.1
NOUN = r"(?:a|an) ([a-z]+)"
FACTS = re.compile(rf"^The ([a-z]+)(?: and ([a-z]+))? of {NOUN}(, by its id)?\.$")
LIST = re.compile(rf"^The ([a-z]+) with {NOUN}\.$")
ONE = re.compile(r"^The ([a-z]+) ([a-z]+)\.$")
# A thought of the oracle: what it has learned, what it needs, where it looks.
THOUGHT = re.compile(r"^(?P<learned>The .*? is .*?\. |This call failed\. |This does not help\. )?I need (?P<want>.*?)\. (?P<how>.*)$")
ENDED = re.compile(r"^Now I know (.*)\.$")


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


class Found:
    """What a trajectory found out: a request, (what was wanted, the record that told it, what was learned from it) in their
    order, what was known at the end, and the answer's sentence."""

    def __init__(self, trajectory):
        self.request = trajectory["instruction"]
        self.found, self.messages, self.asked, self.answer = [], [], None, None
        self.notes = []
        wanted, replied = None, None
        for turn in trajectory["conversations"]:
            speaker, text = turn["from"], turn["value"].split("\n Next:")[0]
            if speaker == "observation":
                replied = turn["value"]
            elif speaker == "conclusion":
                self.answer = turn["value"]
            elif speaker == "assistant":
                if not text:
                    # A rationale that is missing: what was wanted is wanted still.
                    continue
                thought = THOUGHT.match(text)
                ended = ENDED.match(text)
                if not thought and not ended:
                    continue
                learned = (thought["learned"] or "").strip() if thought else ""
                if replied is not None and self.notes:
                    self.notes.append(replied)
                if thought:
                    nothing = ": nothing tells it" if "I call" not in thought["how"].split(". ")[-1] else ""
                    self.notes.append(f"{TOLD.get(learned, learned)} ? {thought['want']}{nothing}".strip())
                else:
                    self.notes.append(f"! {ended[1]}")
                if replied is not None and wanted is not None:
                    if learned.startswith("This"):
                        self.messages.append(replied)
                    elif not thought or "No other function" not in thought["how"]:
                        self.found.append((wanted, replied, learned))
                wanted, replied = (thought["want"] if thought else None), None
                if ended:
                    self.asked = ended[1]
                elif "I call" not in thought["how"] or "when I know" in thought["how"]:
                    wanted = None


class Exercises:
    def __init__(self, trajectories, tokenizer, seed, kinds):
        self.random = random.Random(seed)
        self.new = NewNames(tokenizer, seed)
        self.trajectories, self.kinds = trajectories, kinds
        replies = "\n".join(
            turn["value"] for one in trajectories for turn in one["conversations"] if turn["from"] == "observation"
        )
        self.names = sorted(set(re.findall("[A-Z][a-z]+(?: [A-Z][a-z]+)*|[A-Z]{2}[0-9]+|[A-Z][a-z]+ [0-9]+", replies)))
        every = {tool["function"]: tool for one in trajectories for tool in one["tools"]}
        self.wants = sorted({want for tool in every.values() for want in Function(tool).wants()}, key=str)
        every = [Found(one) for one in trajectories if not self.is_new_try(one)]
        self.found = [one for one in every if one.found and one.asked and one.answer]
        self.learned = [(want, reply, learned) for one in every for want, reply, learned in one.found if learned]
        self.told = [(want, reply) for one in every for want, reply, learned in one.found if not learned]
        self.messages = [message for one in every for message in one.messages if len(message) < 400]
        self.noted = [one for one in every if one.notes and (one.answer or one.notes[-1].endswith("nothing tells it"))]

    @staticmethod
    def is_new_try(trajectory):
        return sum(turn["from"] == "user" for turn in trajectory["conversations"]) > 1

    def some(self, told, said):
        """Some questions with their answers, numbered."""
        number = lambda texts: "\n".join(f"{at}. {text}" for at, text in enumerate(texts, 1))
        return [], number(told), number(said)

    def parts(self):
        told, said = [], []
        for one in self.random.sample(self.found, self.random.randint(2, 4)):
            count = self.random.randint(0, len(one.found))
            records = " ".join(record for _, record, _ in one.found[:count])
            told.append(f"Request: {one.request} Found: {records or 'nothing'}")
            if count == len(one.found):
                said.append(f"all of {one.asked}")
            else:
                learned = one.found[count - 1][2] if count else ""
                said.append(f"{learned} Wanted: {one.found[count][0]}".strip())
        return self.some(told, said)

    def records(self):
        told, said = [], []
        for _ in range(self.random.randint(4, 8)):
            kind = self.random.random()
            if kind < 0.4:
                want, reply, learned = self.random.choice(self.learned)
                told.append(f"{want}: {reply}")
                said.append(learned)
            elif kind < 0.7:
                want, reply = self.random.choice(self.told)
                told.append(f"{want}: {reply}")
                said.append("told")
            else:
                message = self.random.choice(self.messages)
                told.append(f"{self.random.choice(self.told)[0]}: {message}")
                limit = re.search("limit must be ([0-9]+)", message)
                missing = re.search("missing argument: ([a-z_]+)", message)
                said.append(f"limit {limit[1]}" if limit else f"missing {missing[1]}" if missing else "not told")
        return self.some(told, said)

    def notes(self):
        one = self.random.choice(self.noted)
        lines = [line if len(line) < 300 else line[:300] for line in one.notes if line]
        return [], f"Notes on: {one.request}", "\n".join(lines + ([one.answer] if one.answer else []))

    def answers(self):
        told, said = [], []
        for one in self.random.sample(self.found, self.random.randint(2, 4)):
            records = " ".join(record for _, record, _ in one.found)
            told.append(f"{one.asked}: {records}")
            said.append(one.answer)
        return self.some(told, said)

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

    def line(self, want, functions):
        """What is wanted, and what tells it: thing, function and arguments."""
        asked, sent = self.needed(want)
        before = asked
        telling = [function for function in functions if function.tells(want)]
        after = ""
        if telling and telling[0].by_id:
            ((noun, name),) = sent.items()
            if self.random.random() < 0.5:
                number = self.random.randint(1000, 9999)
                asked += f" ({number})"
                sent = {f"{noun}_id": number}
            else:
                after = f"{telling[0].name} after the id of the {noun} {name}: "
                ids = [function for function in functions if function.tells((noun, ("id",)))]
                telling = [function for function in ids if telling[0].is_beside(function)]
        elif len(telling) > 1 or telling and self.random.random() < AGAIN:
            # Another one, if there is.
            self.random.shuffle(telling)
            asked += f" without {telling.pop().name}"
        if not telling:
            return asked, f"{before}: {after}none"
        return asked, f"{before}: {after}{telling[0].name} {json.dumps(sent)}"

    def lookup(self):
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
            return self.lookup()
        # Twice at most, so that it is found among the functions and not in what was said before.
        wanted = [want for want in clear for _ in range(1 if isinstance(want, str) and ONE.match(want) else 2)]
        wanted += r.sample(twice, min(len(twice), 2)) * 2
        wanted += r.sample(absent, min(len(absent), r.randint(2, 5)))
        lines = [self.line(want, functions) for want in r.sample(wanted, min(len(wanted), 10))]
        tools = [function.tool for function in functions]
        asked = [asked for asked, _ in lines]
        return tools, f"Functions for {', '.join(asked[:-1])} and {asked[-1]}.", "\n".join(line for _, line in lines)

    def any(self):
        (kind,) = self.random.choices(list(self.kinds), list(self.kinds.values()))
        return getattr(self, kind)()


def main():
    source, tokenizer, out, count, seed = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    kinds = {kind: float(share) for kind, share in (text.split("=") for text in sys.argv[6:])}
    with open(source, encoding="utf-8") as file:
        exercises = Exercises(json.load(file), tokenizer, seed, kinds)
    conversations = []
    for number in range(count):
        tools, told, said = exercises.any()
        turns = [("user", told), ("assistant", said + "\n Next: conclusion."), ("conclusion", ".")]
        turns = [{"from": speaker, "value": text} for speaker, text in turns]
        conversations.append({"tools": tools, "instruction": f"exercise {number}", "conversations": turns})
    with open(out, "w", encoding="utf-8") as file:
        json.dump(conversations, file)


if __name__ == "__main__":
    main()
