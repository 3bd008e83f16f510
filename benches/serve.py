#!/usr/bin/env python3
"""How fast a served team answers: serve.py --url URL --world FILE [--clients 1,8] [--requests 40]

Held-out tasks of the file (`world/test.json` of a quick start) as chat requests with their functions, the first step of each;
every client asks one after the other. Prints Markdown: requests and generated tokens a second, median and longest answer.
Standard library only; `glpft serve RUN` runs beside it."""

import argparse
import json
import statistics
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor


def requests(path, count):
    """Chat requests, no two of one task."""
    with open(path, encoding="utf-8") as file:
        tasks = {one["instruction"]: one for one in json.load(file)}
    for task in list(tasks.values())[:count]:
        tools = []
        for tool in task["tools"]:
            properties = {name: {"type": about.split(",")[0]} for name, about in tool["input"].items()}
            parameters = {"type": "object", "properties": properties, "required": list(properties)}
            function = {"name": tool["Name"], "description": tool["function"], "parameters": parameters}
            tools.append({"type": "function", "function": function})
        yield {"model": "team", "messages": [{"role": "user", "content": task["instruction"]}], "tools": tools}


def ask(url, request):
    """Seconds, prompt tokens and generated tokens of one answer."""
    started = time.perf_counter()
    sent = urllib.request.Request(
        url + "/v1/chat/completions", json.dumps(request).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(sent, timeout=600) as reply:
        usage = json.load(reply)["usage"]
    return time.perf_counter() - started, usage["prompt_tokens"], usage["completion_tokens"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--world", required=True)
    parser.add_argument("--clients", default="1,8")
    parser.add_argument("--requests", type=int, default=40)
    arguments = parser.parse_args()
    counts = [int(one) for one in arguments.clients.split(",")]
    # No client count may find in the server's cache what another one put there.
    asked = list(requests(arguments.world, arguments.requests * len(counts)))
    print("| clients | requests | requests/s | generated tokens/s | median s | longest s |\n|---|---|---|---|---|---|")
    for number, clients in enumerate(counts):
        mine = asked[number :: len(counts)]
        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            answers = list(pool.map(lambda request: ask(arguments.url, request), mine))
        took = time.perf_counter() - started
        seconds = [one[0] for one in answers]
        tokens = sum(one[2] for one in answers)
        figures = [f"{len(mine) / took:.1f}", f"{tokens / took:.0f}"]
        figures += [f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"]
        print(f"| {clients} | {len(mine)} | " + " | ".join(figures) + " |")


if __name__ == "__main__":
    main()
