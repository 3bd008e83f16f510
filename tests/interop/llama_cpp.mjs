// What a real llama.cpp makes of a GGUF file: node llama_cpp.mjs NODE_LLAMA_CPP REQUEST.json
// NODE_LLAMA_CPP is the folder of npm's node-llama-cpp. Used by check_gguf.py, which compares.

import {readFileSync} from "node:fs";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [folder, requestPath] = process.argv.slice(2);
const request = JSON.parse(readFileSync(requestPath, "utf8"));
const {getLlama} = await import(pathToFileURL(join(resolve(folder), "dist/index.js")));
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "warn"});
const model = await llama.loadModel({modelPath: request.model});
const context = await model.createContext({
    contextSize: 1024,
    threads: request.threads,
    flashAttention: false,
    // Half precision, the default, would be seen.
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
    ...(request.adapter == null ? {} : {lora: request.adapter}),
});
const sequence = context.getSequence();
const answer = {tokens: request.texts.map((text) => model.tokenize(text, false)), prompts: []};
for (const tokens of request.prompts) {
    await sequence.clearHistory();
    let likely = [];
    const plain = {temperature: 1, topK: 0, topP: 1, minP: 0, repeatPenalty: false};
    for await (const step of sequence.evaluateWithMetadata(tokens, {probabilities: true}, plain)) {
        likely = [...step.probabilities].slice(0, 40);
        break;
    }
    await sequence.clearHistory();
    const continuation = [];
    const greedy = {temperature: 0, repeatPenalty: false, yieldEogToken: true};
    for await (const token of sequence.evaluate(tokens, greedy)) {
        continuation.push(token);
        if (continuation.length >= request.length || model.isEogToken(token)) break;
    }
    answer.prompts.push({continuation, likely});
}
process.stdout.write("\nANSWER " + JSON.stringify(answer) + "\n", () => process.exit(0));
