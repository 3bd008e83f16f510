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

Needs the quick start's exercises on PYTHONPATH: `src/quickstart/base`.
"""

import json
import re
import sys

import exercises

# How notes say what came of the last thing that was looked up.
TOLD = {"This call failed.": "not told.", "This does not help.": "not that."}
# A thought of the oracle: what it has learned, what it needs, where it looks.
THOUGHT = re.compile(r"^(?P<learned>The .*? is .*?\. |This call failed\. |This does not help\. )?I need (?P<want>.*?)\. (?P<how>.*)$")
ENDED = re.compile(r"^Now I know (.*)\.$")


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


class Skills(exercises.Exercises):
    def __init__(self, trajectories, tokenizer, seed, kinds):
        super().__init__(trajectories, tokenizer, seed)
        self.kinds = kinds
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
        elif len(telling) > 1 or telling and self.random.random() < exercises.AGAIN:
            # Another one, if there is.
            self.random.shuffle(telling)
            asked += f" without {telling.pop().name}"
        if not telling:
            return asked, f"{before}: {after}none"
        return asked, f"{before}: {after}{telling[0].name} {json.dumps(sent)}"

    def lookup(self):
        functions, wanted = self.wanted()
        lines = [self.line(want, functions) for want in self.random.sample(wanted, min(len(wanted), 10))]
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
        skills = Skills(json.load(file), tokenizer, seed, kinds)
    conversations = []
    for number in range(count):
        tools, told, said = skills.any()
        turns = [("user", told), ("assistant", said + "\n Next: conclusion."), ("conclusion", ".")]
        turns = [{"from": speaker, "value": text} for speaker, text in turns]
        conversations.append({"tools": tools, "instruction": f"exercise {number}", "conversations": turns})
    with open(out, "w", encoding="utf-8") as file:
        json.dump(conversations, file)


if __name__ == "__main__":
    main()
