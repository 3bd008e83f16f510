#!/usr/bin/env bash
# Makes the quick start's base model in DIR and copies it here: make.sh DIR   (about two hours on two cores)
#
# Needs Python with the package `tokenizers`. Started again, it goes on where it was. What the model must not have
# read: an instruction of the small worlds 1, 2 and 3.
set -euo pipefail
[ $# = 1 ] || { echo "usage: make.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$here/../../.."

glpft() { cargo run --release --quiet -- "$@"; }

learn() { # NAME RECIPE DATA BASE SETTINGS…
    local name=$1 recipe=$2 data=$3 base=$4
    shift 4
    [ "$base" = random ] || base=$out/$base/models/global
    [ -d "$out/$name/models/global" ] || glpft train "$here/$recipe.toml" --stage global --out "$out/$name" \
        --set name="$name" --set data.source="$out/$data.json" --set model.base="$base" "$@"
}

exercises() { # NAME COUNT SEED
    [ -f "$out/$1.json" ] && return
    python3 "$here/exercises.py" "$out/trajectories.json" "$out/tokenizer" "$out/$1.part" "$2" "$3"
    mv "$out/$1.part" "$out/$1.json"
}

mixed() { # NAME SHARE SEED EXERCISES: trajectories, half of them renamed, and exercises
    [ -f "$out/$1.json" ] && return
    python3 "$here/rename.py" "$out/trajectories.json" "$out/tokenizer" "$out/renamed.json" "$2" 0.5 "$3"
    python3 - "$out/renamed.json" "$out/$4.json" "$out/$1.part" <<'PYTHON'
import json, sys
*sources, out = sys.argv[1:]
json.dump([one for source in sources for one in json.load(open(source))], open(out, "w"))
PYTHON
    mv "$out/$1.part" "$out/$1.json"
}

[ -f "$out/trajectories.json" ] ||
    cargo run --release --quiet -p glpft-world --example base_text -- "$out/trajectories.json" 1001 1012 1 2 3
[ -d "$out/tokenizer" ] || python3 "$here/tokenizer.py" "$out/trajectories.json" "$out/tokenizer" 1569
[ -f "$out/drills.json" ] || python3 "$here/drills.py" "$out/trajectories.json" "$out/drills.json" 60000
exercises exercises 40000 9
exercises fewer_exercises 8000 23
exercises few_exercises 3500 31
mixed tools 0.24 12 fewer_exercises
mixed more 0.14 29 few_exercises

bare=(--set data.prompts="$here/bare.prompts.toml")
learn drills drills drills random --set model.tokenizer="$out/tokenizer" "${bare[@]}"
learn exercises exercises exercises drills --set data.fraction=0.8 "${bare[@]}"
learn tools trajectories tools exercises --set data.fraction=0.7 --set stage.batch=32
learn more trajectories more tools --set stage.batch=32 --set stage.global.lr=7e-4

rm -rf "$out/base"
glpft export "$out/more" --role global --to "$out/base" --dtype bf16
for file in config.json generation_config.json model.safetensors special_tokens_map.json tokenizer.json tokenizer_config.json; do
    cp "$out/base/$file" "$here/$file"
done
