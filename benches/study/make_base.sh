#!/usr/bin/env bash
# Makes the base model of the study in DIR/base: make_base.sh DIR   (about 80 minutes on two cores)
#
# A Llama of a million parameters that knows the worlds' words, copies, looks up and takes notes, and has read no trajectory and
# none of the prompts. Needs Python with the package `tokenizers`. Started again, it goes on where it was. The worlds of its texts
# are 1001 to 1012; the instructions of worlds 1 to 3 are left out: the study plays in world 1.
set -euo pipefail
[ $# = 1 ] || { echo "usage: make_base.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
quick=$here/../../src/quickstart/base
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$here/../.."
export PYTHONPATH=$quick${PYTHONPATH:+:$PYTHONPATH}

glpft() { cargo run --release --quiet -- "$@"; }

skills() { # NAME SHARE-OF-TRAJECTORIES SEED COUNT SEED KIND=SHARE…
    local name=$1 share=$2 seed=$3
    shift 3
    [ -f "$out/$name.json" ] && return
    python3 "$quick/rename.py" "$out/trajectories.json" "$out/tokenizer" "$out/renamed.json" "$share" 0.6 "$seed"
    python3 "$here/skills.py" "$out/renamed.json" "$out/tokenizer" "$out/$name.part" "$@"
    mv "$out/$name.part" "$out/$name.json"
}

learn() { # NAME RECIPE BASE SETTINGS…
    local name=$1 recipe=$2 base=$3
    shift 3
    [ "$base" = random ] || base=$out/$base/models/global
    [ -d "$out/$name/models/global" ] || glpft train "$quick/$recipe.toml" --stage global --out "$out/$name" \
        --set name="$name" --set data.source="$out/$name.json" --set model.base="$base" \
        --set data.prompts="$here/skills.prompts.toml" "$@"
}

if [ ! -f "$out/trajectories.json" ]; then
    cargo run --release --quiet -p glpft-world --example base_text -- "$out/trajectories.part" 1001 1012 1 2 3
    mv "$out/trajectories.part" "$out/trajectories.json"
fi
[ -d "$out/tokenizer" ] || python3 "$quick/tokenizer.py" "$out/trajectories.json" "$out/tokenizer" 1600
if [ ! -f "$out/drills.json" ]; then
    python3 "$quick/drills.py" "$out/trajectories.json" "$out/drills.part" 60000
    mv "$out/drills.part" "$out/drills.json"
fi
skills exercises 0.35 12 30000 9 lookup=0.4 parts=0.25 records=0.15 answers=0.2
skills notes 0.35 12 16000 23 lookup=0.3 parts=0.1 records=0.1 answers=0.1 notes=0.4
skills more 0.3 29 24000 31 lookup=0.25 records=0.05 answers=0.1 notes=0.6
skills last 0.3 41 28000 43 lookup=0.4 records=0.05 parts=0.05 answers=0.1 notes=0.4

settings=(--set stage.precision=f32 --set stage.micro_batch_tokens=8192)
learn drills drills random --set model.tokenizer="$out/tokenizer"
learn exercises exercises drills "${settings[@]}"
learn notes exercises exercises "${settings[@]}" --set stage.global.lr=7e-4
learn more exercises notes "${settings[@]}" --set stage.global.lr=8e-4
learn last exercises more "${settings[@]}" --set stage.global.lr=1e-3

rm -rf "$out/base"
glpft export "$out/last" --role global --to "$out/base"
