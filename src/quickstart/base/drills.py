#!/usr/bin/env python3
"""Makes short conversations that only teach to copy: drills.py TRAJECTORIES.json OUT.json N

A list of things said again in another order; pairs of keys and values asked for in another form. Half of what they say is
predictable, and only from what stands before it, so looking back forms in minutes; on whole trajectories alone a model of
this size does not find it in an hour.
"""

import json
import random
import re
import sys

ONSETS = "b d f g h k l m n p r s t v z br st tr pl".split()
RHYMES = "a e i o u an er ol in us".split()
SYLLABLES = [onset + rhyme for onset in ONSETS for rhyme in RHYMES]


class Drills:
    def __init__(self, trajectories, seed):
        self.random = random.Random(seed)
        of_tools = " ".join(tool["Name"] + " " + tool["function"] for one in trajectories for tool in one["tools"])
        self.words = sorted(set(re.findall("[a-z]+", of_tools)))
        replies = "\n".join(
            turn["value"] for one in trajectories for turn in one["conversations"] if turn["from"] == "observation"
        )
        self.names = re.findall("[A-Z][a-z]+(?: [A-Z][a-z]+)*", replies)

    def word(self):
        known = self.random.random() < 0.7
        return self.random.choice(self.words) if known else "".join(self.random.choices(SYLLABLES, k=2))

    def thing(self):
        r = self.random
        kind = r.random()
        if kind < 0.35:
            return "_".join(self.word() for _ in range(r.randint(2, 7)))
        if kind < 0.6:
            word = lambda: "".join(r.choices(SYLLABLES, k=r.randint(1, 3))).capitalize()
            return " ".join(word() for _ in range(r.randint(1, 2)))
        if kind < 0.75:
            return r.choice(self.names)
        if kind < 0.9:
            return str(r.randint(0, 10 ** r.randint(1, 4)))
        return "".join(r.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=2)) + str(r.randint(10, 999))

    def drill(self):
        """What is told, and what is to be said."""
        r = self.random
        things = list(dict.fromkeys(self.thing() for _ in range(r.randint(3, 7))))
        kind = r.random()
        if kind < 0.45:
            return ", ".join(things), ", ".join(r.sample(things, len(things)))
        pairs = list(dict(zip((self.word() for _ in things), things)).items())
        asked = r.sample(pairs, len(pairs))
        value = lambda text: int(text) if text.isdigit() else text
        said = " ".join(f"The {key} is {thing}." for key, thing in asked)
        if kind < 0.6:
            return ", ".join(f"{key}: {thing}" for key, thing in pairs), said
        if kind < 0.8:
            return json.dumps({key: value(thing) for key, thing in pairs}), said
        calls = "\n".join(f"I need the {key}: {json.dumps({key: value(thing)})}" for key, thing in asked)
        return " ".join(f"The {key} is {thing}." for key, thing in pairs), calls


def main():
    source, out, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(source, encoding="utf-8") as file:
        drills = Drills(json.load(file), seed=5)
    conversations = []
    for number in range(count):
        told, said = drills.drill()
        turns = [("user", told), ("assistant", said + "\n Next: conclusion."), ("conclusion", ".")]
        turns = [{"from": speaker, "value": text} for speaker, text in turns]
        conversations.append({"tools": [], "instruction": f"drill {number}", "conversations": turns})
    with open(out, "w", encoding="utf-8") as file:
        json.dump(conversations, file)


if __name__ == "__main__":
    main()
