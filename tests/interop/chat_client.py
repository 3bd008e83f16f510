#!/usr/bin/env python3
"""Asks a served team as a user of OpenAI's client would.

    chat_client.py BASE_URL MODEL        exits 1 where something differs from what the stub of serve/tests says

Needs the package `openai`.
"""

import sys

import openai

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather_for_sky",
            "description": "Tells the weather.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def whole(client, model):
    """A call, its reply, and the answer."""
    messages = [{"role": "user", "content": "What is the weather in Oslo?"}]
    choice = client.chat.completions.create(model=model, messages=messages, tools=TOOLS, temperature=0).choices[0]
    assert choice.finish_reason == "tool_calls", choice
    assert choice.message.content is None, choice
    assert choice.message.reasoning_content == "I ask.", choice
    (call,) = choice.message.tool_calls
    assert (call.type, call.function.name) == ("function", "weather_for_sky"), call
    assert call.function.arguments == '{"city": "Oslo"}', call
    messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    choice = client.chat.completions.create(model=model, messages=messages, tools=TOOLS).choices[0]
    assert (choice.finish_reason, choice.message.content) == ("stop", "rain"), choice


def streamed(client, model):
    """The same in parts."""
    messages = [{"role": "user", "content": "What is the weather in Oslo?"}]
    rationale, name, arguments, finish, usage_parts = "", "", "", None, 0
    options = {"include_usage": True}
    with client.chat.completions.create(
        model=model, messages=messages, tools=TOOLS, stream=True, stream_options=options
    ) as parts:
        for part in parts:
            if not part.choices:
                usage_parts += 1
                continue
            delta = part.choices[0].delta
            rationale += getattr(delta, "reasoning_content", None) or ""
            for call in delta.tool_calls or []:
                assert call.index == 0, call
                name += call.function.name or ""
                arguments += call.function.arguments or ""
            finish = part.choices[0].finish_reason or finish
    assert (rationale, name, arguments) == ("I ask.", "weather_for_sky", '{"city": "Oslo"}'), (rationale, name, arguments)
    assert (finish, usage_parts) == ("tool_calls", 1), (finish, usage_parts)
    # The client's own way of putting the parts together.
    with client.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.tool_calls[0].function.name == "weather_for_sky", message


def raises(error, ask, model, **changed):
    request = {"model": model, "messages": [{"role": "user", "content": "x"}]}
    try:
        ask(**(request | changed))
    except error as caught:
        return caught
    raise AssertionError(f"no {error.__name__} of {changed}")


def failures(client, model):
    """What the client makes of what goes wrong."""
    ask = client.chat.completions.create
    error = raises(openai.BadRequestError, ask, model, n=2)
    assert (error.param, error.type) == ("n", "invalid_request_error"), error
    error = raises(openai.NotFoundError, ask, "other")
    assert error.code == "model_not_found", error
    raises(openai.InternalServerError, ask, model, messages=[{"role": "user", "content": "fail"}])
    stream = ask(model=model, messages=[{"role": "user", "content": "fail"}], stream=True)
    raises(openai.APIError, lambda **_: list(stream), model)


def main():
    base_url, model = sys.argv[1:]
    client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=20)
    assert [one.id for one in client.models.list()] == [model]
    assert client.models.retrieve(model).id == model
    whole(client, model)
    streamed(client, model)
    failures(client, model)
    print(f"openai {openai.__version__}: as expected")


if __name__ == "__main__":
    main()
