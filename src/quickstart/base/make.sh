#!/usr/bin/env bash
# Makes the quick start's base model in DIR and copies it here: make.sh DIR   (some hours on two cores)
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

[ -f "$out/trajectories.json" ] ||
    cargo run --release --quiet -p glpft-world --example base_text -- "$out/trajectories.json" 1001 1012 1 2 3
[ -d "$out/tokenizer" ] || python3 "$here/tokenizer.py" "$out/trajectories.json" "$out/tokenizer" 1536
[ -f "$out/drills.json" ] || python3 "$here/drills.py" "$out/trajectories.json" "$out/drills.json" 60000
[ -f "$out/renamed.json" ] || python3 "$here/rename.py" "$out/trajectories.json" "$out/renamed.json" 0.25 1
[ -f "$out/exercises.json" ] || python3 "$here/exercises.py" "$out/trajectories.json" "$out/exercises.json" 20000 9

bare=(--set data.prompts="$here/bare.prompts.toml")
learn drills drills drills random --set model.tokenizer="$out/tokenizer" "${bare[@]}"
learn steps trajectories trajectories drills --set data.fraction=0.5 --set arrangement=single
learn exercises exercises exercises steps --set data.fraction=0.8 "${bare[@]}"
learn tools trajectories trajectories exercises --set data.fraction=0.07 --set stage.batch=32 --set seed=3
learn renamed trajectories renamed tools --set data.fraction=0.2 --set stage.batch=32 --set seed=4

rm -rf "$out/base"
glpft export "$out/renamed" --role global --to "$out/base" --dtype bf16
for file in config.json generation_config.json model.safetensors special_tokens_map.json tokenizer.json tokenizer_config.json; do
    cp "$out/base/$file" "$here/$file"
done
