"""Names that no world gives, made of every piece of a word that the tokenizer knows.

A model learns to copy the pieces that it has copied. A piece that no name of its text had, such as the `ridge` of `Velridge`,
it spoils.
"""

import json
import random
import re

ONSETS = "b d f g h k l m n p r s t v z br st tr pl ch th w j c gr kr fl sh".split()
RHYMES = "a e i o u an er ol in us ar en al or ist ock eld ane ip ust amp".split()
CODE = re.compile("[A-Z]{2}[0-9]{3}")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class NewNames:
    def __init__(self, tokenizer, seed):
        self.random = random.Random(seed)
        with open(f"{tokenizer}/tokenizer.json", encoding="utf-8") as file:
            vocabulary = sorted(json.load(file)["model"]["vocab"])
        self.starts = [piece for piece in vocabulary if re.fullmatch("[A-Z][a-z]*", piece)]
        self.words = [piece[1:] for piece in vocabulary if re.fullmatch("Ġ[a-z]{2,}", piece)]
        self.rests = [piece for piece in vocabulary if re.fullmatch("[a-z]+", piece)]

    def word(self):
        r = self.random
        if r.random() < 0.5:
            return "".join(r.choice(ONSETS) + r.choice(RHYMES) for _ in range(r.choice([1, 2, 2, 3]))).capitalize()
        return r.choice(self.starts) + "".join(r.choices(self.rests, k=r.choice([0, 1, 1, 1, 2])))

    def code(self):
        return "".join(self.random.choices(LETTERS, k=2)) + str(self.random.randint(100, 999))

    def like(self, old):
        """A new one of the same form."""
        if CODE.fullmatch(old):
            return self.code()
        return " ".join(word if word.isdigit() else self.word() for word in old.split(" "))

    def any(self):
        form = self.random.choice(["A", "A B", "A B", "A B", "A B C", "A 10", "AB100"])
        if form == "A 10":
            return f"{self.word()} {self.random.randint(10, 99)}"
        return self.like(form)

    def asked(self, instruction):
        """The same with other words behind it: what is asked for ends where what comes next is none of it."""
        r = self.random
        words = " ".join(r.choices(self.words, k=r.choice([1, 1, 2])))
        return f"{instruction[:-1]}{r.choice([' ', ', '])}{words}{instruction[-1]}"
