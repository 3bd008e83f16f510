#!/usr/bin/env bash
# The study of docs/study.md: compare.sh GLPFT BASE OUT   (about 75 minutes on two cores)
#
# GLPFT is the program, BASE a model's directory (make_base.sh makes the one that was measured), OUT a directory. Started again, it
# goes on where it was. Two processes of one thread each: models of this size gain little from a second thread.
set -euo pipefail
[ $# = 3 ] || { echo "usage: compare.sh GLPFT BASE OUT" >&2; exit 2; }
glpft=$1 base=$2 out=$3
mkdir -p "$out"
[ -d "$out/world" ] || "$glpft" world generate "$out/world" --seed 1 --quiet

study() { # NAME OPTIONS…
    local name=$1
    shift
    "$glpft" study world --out "$out/$name" --threads 1 \
        --set data.source="$out/world" --set model.base="$base" --set stage.batch=8 \
        --set stage.global.epochs=3 --set stage.global.lr=7e-4 \
        --set stage.planner.epochs=2 --set stage.caller.epochs=2 --set stage.summarizer.epochs=2 \
        --set stage.planner.lr=4e-4 --set stage.caller.lr=4e-4 --set stage.summarizer.lr=4e-4 \
        --eval "$out/world/test.json" --eval-conversations 30 --world 1 --tasks 20 --fractions 1 --seeds 3 "$@"
}

both() { # OPTIONS…: every other cell by each of two processes
    study arrangements "$@" --shard 1/2 &
    study arrangements "$@" --shard 2/2
    wait $!
}

mixed=(--arrangements glpft --set global_data=mixed --set stage.global.epochs=1)
behind=(--set data.layout=role-last)
# Whatever fails, nothing goes on in the background.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
study mixed "${mixed[@]}" &
study arrangements --arrangements single,glpft
wait $!
both --arrangements single,one-stage,multi-task --budget tokens
study mixed-role-last "${mixed[@]}" "${behind[@]}" &
study role-last --arrangements glpft "${behind[@]}"
wait $!
study arrangements --arrangements glpft --split 75
# Nothing is left to train: the tables and figures of all.
study arrangements --arrangements single,one-stage,multi-task,glpft --budget stages,tokens --split 75 --shard 1/1000
