#!/usr/bin/env python3
"""Trains the base model's tokenizer: tokenizer.py TRAJECTORIES.json OUT VOCABULARY

Byte-level BPE that cuts texts so that what an agent copies looks the same wherever it stands: a capitalised word is never one
token with the space before it (a name behind a quote is the same name), digits stand alone, and the pieces of function names
keep their underscore. The sentences of the prompts, and what every function and step repeats, are a token each: words of the
vocabulary, not added tokens, which would be found in no content (`data/src/tokenizer.rs`).
Needs the package `tokenizers`.
"""

import json
import pathlib
import re
import sys
import tomllib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).parents[3]
PIECES = r"[ _]?[a-z]+|[A-Z][a-z]*|[0-9]| |_|\n|[^A-Za-z0-9 _\n]+"
SPEAKERS = ("user", "assistant", "caller", "observation", "conclusion", "system")
# fmt: off
REPEATED = (
    # How functions are listed.
    '{"Name": "', '", "function": "The', '.", "input": {}}', '.", "input": {}}\n{"Name": "', '.", "input": {"',
    '": "string, the name"}}', '": "string, the name"}}\n{"Name": "', '": "number, the id"}}',
    '": "number, the id"}}\n{"Name": "', '": "string, the name', '", "limit": "number, at most ', '"}}',
    '"}}\n{"Name": "', '_only": "boolean, only ', '", "', '": "', '": ', ', "',
    # Steps.
    "I need ", " I need ", " I call ", " when I know ", " No function tells it.", " No other function tells it.",
    "Now I know ", "This call failed.", "This does not help.", " I cannot find it.", ".\n Next: caller.",
    ".\n Next: conclusion.", ".\n Next: give up.", "Action: ", ".\nAction: ", "\nAction Input: ", "\nAction Input: {}",
    '\nAction Input: {"', ": give up.",
    # Replies.
    '{"name": "', '"name": "', '\n  "', '\n    "', "loaded one page; ", '"data"', '"log"', "No such function name: ",
)
# What the driver says before a new try (`agent/src/search/diversity.rs`).
NEW_TRY = (
    "This is not the first time you try this task, all previous trails failed.\n",
    "Before you generate my thought for this state, I will first show you your previous actions for this state, and then "
    "you must generate actions that is different from all of them. Here are some previous actions candidates:\n",
    "Remember you are now in the intermediate state of a trail, you will first analyze the now state and previous action "
    "candidates, then make actions that is different from all the previous.",
    '",\n    "arguments": "', '",\n    "function_output": "', '",\n    "mento-carlo-action-value": ', '\\": \\"',
    '{\\"error\\": \\"\\", \\"response\\": ',
)
# fmt: on


def phrases():
    yield from REPEATED + NEW_TRY
    for speaker in SPEAKERS:
        yield from (f"{speaker}: ", f" {speaker}: ")
    prompts = tomllib.loads((ROOT / "data/src/prompts.toml").read_text("utf-8"))
    # The published ones: what stands in tables is another layout's, which the base was not made for.
    for prompt in (prompt for prompt in prompts.values() if isinstance(prompt, str)):
        for text in re.split(r"\{\w+\}", prompt):
            yield from (line for line in text.splitlines(keepends=True) if len(line) > 8)


def texts(path):
    for trajectory in json.loads(path.read_text("utf-8")):
        yield from (json.dumps(tool) for tool in trajectory["tools"])
        yield from (turn["value"] for turn in trajectory["conversations"])


def bytes_as_characters():
    """How byte-level BPE spells bytes in its vocabulary: printable ones as they are, the others from U+0100 on."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in kept]
    return dict(zip(kept, map(chr, kept))) | {byte: chr(256 + at) for at, byte in enumerate(others)}


def with_phrases(tokenizer, whole):
    """The trained tokenizer's file, with each phrase a word of the vocabulary that is taken as it is."""
    content = json.loads(tokenizer.to_str())
    vocabulary, spelled = content["model"]["vocab"], bytes_as_characters()
    for phrase in whole:
        word = "".join(spelled[byte] for byte in phrase.encode())
        vocabulary.setdefault(word, len(vocabulary))
    content["model"]["ignore_merges"] = True
    return content


def main():
    source, out, size = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    whole = sorted(dict.fromkeys(phrases()), key=len, reverse=True)
    tokenizer = Tokenizer(models.BPE())
    pieces = pre_tokenizers.Split(Regex("|".join([*map(re.escape, whole), PIECES])), "isolated")
    of_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, of_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(whole),
        special_tokens=[AddedToken(text, special=True, normalized=False) for text in ("</s>", "<pad>")],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(source), trainer)
    content = with_phrases(tokenizer, whole)
    out.mkdir(parents=True, exist_ok=True)
    special = dict(eos_token="</s>", pad_token="<pad>")
    more = dict(tokenizer_class="PreTrainedTokenizerFast", add_prefix_space=False, clean_up_tokenization_spaces=False)
    files = {
        "tokenizer.json": content,
        "special_tokens_map.json": special,
        "tokenizer_config.json": more | special | dict(model_max_length=2048),
    }
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(f"{len(files['tokenizer.json']['model']['vocab'])} tokens")


if __name__ == "__main__":
    main()
