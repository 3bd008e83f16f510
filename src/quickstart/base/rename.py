#!/usr/bin/env python3
"""Gives the things in some trajectories names that no world has: rename.py TRAJECTORIES.json TOKENIZER
OUT.json SHARE RENAMED SEED

A model that reads some thousand names again and again learns those; to copy any name, it must read names that never come again.
Of the SHARE of trajectories that is kept, the share RENAMED gets new ones, the same wherever a trajectory says them, and
instructions that end in other words.
"""

import json
import re
import sys

from names import CODE, NewNames

NAME = re.compile(rf"{CODE.pattern}|[A-Z][a-z]+(?: [A-Z][a-z]+)*(?: [0-9]{{2}}\b)?")
# What stands where names do and is none.
WORDS = set("Monday Tuesday Wednesday Thursday Friday Saturday English French Spanish German Arabic".split())


def values(reply):
    """What a reply gives for a name: texts of JSON, or what follows a colon."""
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|(?<=: )[^,;"]+', reply):
        yield found[0].strip('" ')


class Renaming:
    def __init__(self, trajectories, tokenizer, seed):
        self.new = NewNames(tokenizer, seed)
        replies = (turn for one in trajectories for turn in one["conversations"] if turn["from"] == "observation")
        told = (text for reply in replies for text in values(reply["value"]))
        self.known = {text for text in told if NAME.fullmatch(text)} - WORDS

    def names_in(self, text):
        for found in NAME.findall(text):
            words = found.split(" ")
            parts = (" ".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1))
            yield from (part for part in parts if part in self.known)

    def renamed(self, one):
        turns = one["conversations"]
        text = "\n".join([one["instruction"]] + [turn["value"] for turn in turns])
        new = {old: self.new.like(old) for old in sorted(set(self.names_in(text)))}
        if not new:
            return one
        longest_first = sorted(new, key=len, reverse=True)
        old = re.compile("|".join(rf"(?<![A-Za-z]){re.escape(name)}(?![a-z0-9])" for name in longest_first))
        renew = lambda text: old.sub(lambda found: new[found[0]], text)
        asked = self.new.asked(renew(one["instruction"]))
        turns = [{"from": "user", "value": asked}] + [turn | {"value": renew(turn["value"])} for turn in turns[1:]]
        return one | {"instruction": asked, "conversations": turns}


def main():
    source, tokenizer, out, share, renamed, seed = *sys.argv[1:4], float(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
    with open(source, encoding="utf-8") as file:
        trajectories = json.load(file)
    renaming = Renaming(trajectories, tokenizer, seed)
    chance = renaming.new.random.random
    kept = [renaming.renamed(one) if chance() < renamed else one for one in trajectories if chance() < share]
    with open(out, "w", encoding="utf-8") as file:
        json.dump(kept, file)


if __name__ == "__main__":
    main()
