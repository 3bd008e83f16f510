#!/usr/bin/env python3
"""Gives the things in trajectories names that no world has: rename.py TRAJECTORIES.json OUT.json SHARE SEED

A model that reads some thousand names again and again learns those; to copy any name, it must read names that never come again.
Every trajectory of the SHARE that is kept gets new ones, the same wherever it says them.
"""

import json
import random
import re
import sys

ONSETS = "b d f g h k l m n p r s t v z br st tr pl ch th w j c gr kr fl sh".split()
RHYMES = "a e i o u an er ol in us ar en al or ist ock eld ane ip ust amp".split()
CODE = re.compile("[A-Z]{2}[0-9]{3}")
NAME = re.compile(rf"{CODE.pattern}|[A-Z][a-z]+(?: [A-Z][a-z]+)*(?: [0-9]{{2}}\b)?")
# What stands where names do and is none.
WORDS = set("Monday Tuesday Wednesday Thursday Friday Saturday English French Spanish German Arabic".split())


def values(reply):
    """What a reply gives for a name: texts of JSON, or what follows a colon."""
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|(?<=: )[^,;"]+', reply):
        yield found[0].strip('" ')


class Renaming:
    def __init__(self, trajectories, seed):
        self.random = random.Random(seed)
        replies = (turn for one in trajectories for turn in one["conversations"] if turn["from"] == "observation")
        told = (text for reply in replies for text in values(reply["value"]))
        self.known = {text for text in told if NAME.fullmatch(text)} - WORDS

    def word(self):
        count = self.random.choice([1, 2, 2, 3])
        return "".join(self.random.choice(ONSETS) + self.random.choice(RHYMES) for _ in range(count)).capitalize()

    def name(self, old):
        """A new one of the same form."""
        if CODE.fullmatch(old):
            letters = "".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=2))
            return f"{letters}{self.random.randint(100, 999)}"
        return " ".join(word if word.isdigit() else self.word() for word in old.split(" "))

    def names_in(self, text):
        for found in NAME.findall(text):
            words = found.split(" ")
            parts = (" ".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1))
            yield from (part for part in parts if part in self.known)

    def renamed(self, one):
        turns = one["conversations"]
        text = "\n".join([one["instruction"]] + [turn["value"] for turn in turns])
        new = {old: self.name(old) for old in sorted(set(self.names_in(text)))}
        if not new:
            return one
        longest_first = sorted(new, key=len, reverse=True)
        old = re.compile("|".join(rf"(?<![A-Za-z]){re.escape(name)}(?![a-z0-9])" for name in longest_first))
        renew = lambda text: old.sub(lambda found: new[found[0]], text)
        turns = [turn | {"value": renew(turn["value"])} for turn in turns]
        return one | {"instruction": renew(one["instruction"]), "conversations": turns}


def main():
    source, out, share, seed = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    with open(source, encoding="utf-8") as file:
        trajectories = json.load(file)
    renaming = Renaming(trajectories, seed)
    kept = [renaming.renamed(one) for one in trajectories if renaming.random.random() < share]
    with open(out, "w", encoding="utf-8") as file:
        json.dump(kept, file)


if __name__ == "__main__":
    main()
