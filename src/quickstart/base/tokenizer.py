#!/usr/bin/env python3
"""Trains the base model's tokenizer: tokenizer.py TRAJECTORIES.json OUT VOCABULARY

Byte-level BPE that cuts texts so that what an agent copies looks the same wherever it stands: a capitalised word is never one
token with the space before it (a name behind a quote is the same name), digits stand alone, and the pieces of function names
keep their underscore. The sentences of the prompts, and what every step repeats, are a token each.
Needs the package `tokenizers`.
"""

import json
import pathlib
import re
import sys
import tomllib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).parents[3]
PIECES = r"[ _]?[a-z]+|[A-Z][a-z]*|[0-9]| |_|[^A-Za-z0-9 _]+"
SPEAKERS = ("user", "assistant", "caller", "observation", "conclusion", "system")
# fmt: off
REPEATED = (
    '{"Name": "', '", "function": "', '", "input": {', '": "', '", "', "string, the name", "number, at most ",
    "number, the id", "boolean, only ", "Action: ", "\nAction Input: ", "\n Next: caller.", "\n Next: conclusion.",
    "\n Next: give up.", " I need ", "I need ", " I call ", "Now I know ", "This call failed. ",
    " To call ", " No function tells it.",
)
# fmt: on


def phrases():
    yield from REPEATED
    for speaker in SPEAKERS:
        yield from (f"{speaker}: ", f" {speaker}: ")
    for prompt in tomllib.loads((ROOT / "data/src/prompts.toml").read_text("utf-8")).values():
        for text in re.split(r"\{\w+\}", prompt):
            yield from (line for line in text.splitlines(keepends=True) if len(line) > 8)


def texts(path, cut):
    for trajectory in json.loads(path.read_text("utf-8")):
        of_tools = [json.dumps(tool) for tool in trajectory["tools"]]
        of_turns = [turn["value"] for turn in trajectory["conversations"]]
        for text in of_tools + of_turns:
            yield from cut.split(text)


def main():
    source, out, size = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    whole = sorted(dict.fromkeys(phrases()), key=len, reverse=True)
    tokenizer = Tokenizer(models.BPE())
    pieces = pre_tokenizers.Split(Regex(PIECES), "isolated")
    of_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, of_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(whole),
        special_tokens=[AddedToken(text, special=True, normalized=False) for text in ("</s>", "<pad>")],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    cut = re.compile("|".join(map(re.escape, whole)))
    tokenizer.train_from_iterator(texts(source, cut), trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in whole])
    out.mkdir(parents=True, exist_ok=True)
    special = dict(eos_token="</s>", pad_token="<pad>")
    more = dict(tokenizer_class="PreTrainedTokenizerFast", add_prefix_space=False, clean_up_tokenization_spaces=False)
    files = {
        "tokenizer.json": json.loads(tokenizer.to_str()),
        "special_tokens_map.json": special,
        "tokenizer_config.json": more | special | dict(model_max_length=2048),
    }
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(f"{tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
