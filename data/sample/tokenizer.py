#!/usr/bin/env python3
"""Trains the sample tokenizer on the texts of answer/ as the pipeline renders them.

    python data/sample/tokenizer.py       writes tokenizer.json, tokenizer_config.json, special_tokens_map.json

Needs the package `tokenizers`. Byte-level BPE: no text is unknown to it. `</s>` (0) ends a text, `<pad>` (1) fills;
there is no token at the beginning.
"""

import json
import pathlib
import tomllib

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
VOCABULARY = 1280


def texts():
    """Close to what `glpft prepare` renders: it decides which merges are learnt, so close is enough."""
    prompts = tomllib.loads((HERE.parent / "src/prompts.toml").read_text("utf-8"))
    for path in sorted((HERE / "answer").rglob("*.json")):
        answer = json.loads(path.read_text("utf-8"))["answer_generation"]
        yield from prompts.values()
        yield "system: \nuser: " + answer["query"]
        for f in answer["function"][:-1]:
            arguments = {k: ", ".join(v.values()) for k, v in f["parameters"]["properties"].items()}
            yield json.dumps(dict(Name=f["name"], function=f["description"], input=arguments))
            yield f["name"] + ", "
        for message in answer.get("train_messages", [[]])[-1][2:]:
            content = message.get("content")
            if message["role"] == "function":
                try:
                    content = json.loads(content)["response"]
                except ValueError:
                    pass
                yield f"observation: {content}"
                continue
            call = message.get("function_call")
            yield f"{'assistant' if message['role'] == 'assistant' else 'user'}: {content or ''}\n"
            if call is None:
                continue
            if call["name"] != "Finish":
                yield " Next: caller."
                yield f"caller: Action: {call['name']}\nAction Input: {call['arguments']}"
            elif "give_up" in call["arguments"]:
                yield " Next: give up.\nconclusion: give up."
            else:
                yield f" Next: conclusion.\nconclusion: {call['arguments']}"


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=2) + "\n", "utf-8")


def main():
    tokenizer = Tokenizer(models.BPE())
    # Digits one by one: numbers are copied from observations, not learnt.
    pre = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(pre)
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(t, special=True, normalized=False) for t in ("</s>", "<pad>")]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts(), trainer)
    write("tokenizer.json", json.loads(tokenizer.to_str()))
    tokens = dict(eos_token="</s>", pad_token="<pad>")
    write("special_tokens_map.json", tokens)
    more = dict(tokenizer_class="PreTrainedTokenizerFast", add_prefix_space=False, clean_up_tokenization_spaces=False)
    write("tokenizer_config.json", more | tokens | dict(model_max_length=1024))
    print(f"{tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
