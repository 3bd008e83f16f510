#!/usr/bin/env bash
# What a device computes, and how fast: device.sh [OPTIONS] GLPFT
#
# GLPFT is the program, built with the device's feature. Nothing else is needed: no Rust, no network, no model; models are random, and
# their data is built in. Prints a line as each part ends, and writes OUT/results.tsv.
#
#   --device D       cuda, cuda:N, wgpu, wgpu:N or cpu                  (default: cuda)
#   --minutes N      stops then; what is left is named                  (default: 10)
#   --sizes A,…      of 1b, 7b, 135m, 3b and tiny, in this order        (default: 1b,7b,135m,3b)
#   --steps N        steps that are timed, after two that are not       (default: 8)
#   --peer PYTHON    also the same shapes in PyTorch with PEFT; this Python has torch, transformers and peft
#   --out DIR        where runs and results go; must not exist          (default: ./device-results)
#
# Parts, most important first: the environment; losses of 20 steps beside the CPU's; speed and memory of LoRA (rows and trees) and of
# full fine-tunes at each size; the peer. A part that fails is reported and the next one starts; the status is 1 if one failed.
set -uo pipefail

device=cuda minutes=10 sizes=1b,7b,135m,3b steps=8 peer="" out=device-results
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
while [ $# -gt 0 ]; do
    case $1 in
        --device) device=${2:?} && shift 2 ;;
        --minutes) minutes=${2:?} && shift 2 ;;
        --sizes) sizes=${2:?} && shift 2 ;;
        --steps) steps=${2:?} && shift 2 ;;
        --peer) peer=${2:?} && shift 2 ;;
        --out) out=${2:?} && shift 2 ;;
        -*) usage ;;
        *) break ;;
    esac
done
[ $# = 1 ] || usage
glpft=$1
"$glpft" --version >/dev/null || { echo "error: cannot run $glpft" >&2; exit 2; }
[[ "$minutes" =~ ^[0-9]+$ && "$steps" =~ ^[0-9]+$ ]] || { echo "error: --minutes and --steps are whole numbers" >&2; exit 2; }
mkdir "$out" || { echo "error: --out $out: choose a directory that does not exist" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
results=$out/results.tsv
failed=0

left() { echo $((minutes * 60 - SECONDS)); }

say() { # PART OUTCOME DETAILS
    printf '%4d s  %-28s %-8s %s\n' "$SECONDS" "$1" "$2" "$3"
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$results"
    [ "$2" = FAILED ] && failed=1
    return 0
}

limited() { # PART SECONDS COMMAND…: its output in OUT/PART.log; says why it failed
    local part=$1 limit=$2 log status=0
    log=$out/${part// /-}.log
    shift 2
    [ "$limit" -lt "$(left)" ] || limit=$(left)
    [ "$limit" -gt 0 ] || { say "$part" "not run" "the $minutes minutes are over"; return 1; }
    timeout -k 5 "$limit" "$@" >"$log" 2>&1 || status=$?
    case $status in
        0) return 0 ;;
        124 | 137) say "$part" FAILED "stopped after $limit s, see $log" ;;
        *) say "$part" FAILED "$(grep -m 1 '^error' "$log" || echo "status $status, see $log")" ;;
    esac
    return 1
}

train() { # PART SECONDS DEVICE NAME SETTINGS…: one stage of the recipe $recipe, or of sample's random model
    local part=$1 limit=$2 on=$3 name=$4
    shift 4
    limited "$part" "$limit" "$glpft" train "${recipe:-sample}" --stage global --device "$on" --out "$out/runs/$name" --quiet \
        --set data.validation_fraction=0 "${@/#/--set=}"
}

steps_of() { grep '"loss"' "$out/runs/$1/stages/global/train_log.jsonl"; }

field() { sed -n "s/.*\"$1\":\([-0-9.e]*\).*/\1/p"; }

difference() { # RUN RUN: the largest relative difference of a step's loss
    paste <(steps_of "$1" | field loss) <(steps_of "$2" | field loss) |
        awk 'NF != 2 { exit 1 } { d = $1 - $2; d = (d < 0 ? -d : d) / $2; if (!(d <= most)) most = d } END { if (!NR) exit 1; printf "%.1e", most }'
}

agree() { # NAME SETTINGS…
    local name=$1 most
    shift
    for on in cpu "$device"; do
        train "losses $name" 120 "$on" "$name-${on/:/-}-$([ "$on" = cpu ] && echo expected || echo found)" \
            stage.global.max_steps=20 "$@" || return
        [ "$device" = cpu ] && break
    done
    [ "$device" = cpu ] && { say "losses $name" ok "on the CPU alone: nothing to compare"; return; }
    most=$(difference "$name-${device/:/-}-found" "$name-cpu-expected") || { say "losses $name" FAILED "logs of unequal length"; return; }
    if awk "BEGIN { exit !($most <= 1e-4) }"; then
        say "losses $name" ok "20 steps within $most of the CPU's"
    else
        say "losses $name" FAILED "20 steps differ by $most from the CPU's; at most 1e-4 is expected of f32 (on NVIDIA, TF32?)"
    fi
}

# hidden, feed-forward, layers, heads, key/value heads
shape() {
    case $1 in
        tiny) echo 128 384 4 4 2 ;;
        135m) echo 576 1536 30 9 3 ;;
        1b) echo 2048 8192 16 32 8 ;;
        3b) echo 3072 8192 28 24 8 ;;
        7b) echo 4096 11008 32 32 32 ;;
        *) return 1 ;;
    esac
}

memory_begins() {
    watcher=""
    command -v nvidia-smi >/dev/null || return 0
    nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 300 >"$out/memory" 2>/dev/null &
    watcher=$!
}

memory_ends() { # the most MiB that a card held
    [ -n "$watcher" ] || return 0
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    awk '$1 > most { most = $1 } END { if (NR) printf ", %.1f GiB on the card", most / 1024 }' "$out/memory"
}

speed() { # SIZE TUNE PACKING SECONDS
    local size=$1 tune=$2 packing=$3 limit=$4 name="$1 $2 $3" h f l n k passes
    read -r h f l n k < <(shape "$size") || { say "speed $name" FAILED "no such size"; return; }
    passes=$([ "$tune" = lora ] && echo 4 || echo 6)
    memory_begins
    train "speed $name" "$limit" "$device" "${name// /-}" stage.tune="$tune" data.packing="$packing" \
        stage.global.max_steps=$((steps + 2)) stage.batch=16 stage.micro_batch_tokens=4096 \
        model.random.hidden_size="$h" model.random.intermediate_size="$f" model.random.layers="$l" \
        model.random.heads="$n" model.random.kv_heads="$k"
    local status=$? memory
    memory=$(memory_ends)
    # The model is of no use, and the disk may be small.
    rm -rf "$out/runs/${name// /-}/models"
    [ $status = 0 ] || return
    say "speed $name" ok "$(paste <(steps_of "${name// /-}" | field tokens) <(steps_of "${name// /-}" | field computed_tokens) \
        <(steps_of "${name// /-}" | field seconds) | awk -v h="$h" -v f="$f" -v l="$l" -v k="$k" -v n="$n" -v passes="$passes" '
            NR > 2 { tokens += $1; computed += $2; seconds += $3 }
            END {
                weights = l * (2 * h * h + 2 * h * h * k / n + 3 * h * f)
                printf "%.0f tokens/s, %.0f computed/s, %.2f TFLOP/s in products", tokens / seconds, computed / seconds, \
                    passes * weights * computed / seconds / 1e12
            }')$memory"
}

ask_peer() { # SIZE TUNE SECONDS
    local h f l n k
    read -r h f l n k < <(shape "$1") || return
    limited "peer $1 $2" "$3" "$peer" "$here/device_peer.py" "$device" "$2" "$steps" "$h" "$f" "$l" "$n" "$k" &&
        say "peer $1 $2" ok "$(tail -n 1 "$out/peer-$1-$2.log")"
}

{
    uname -srm
    nproc
    if command -v nvidia-smi >/dev/null; then nvidia-smi; fi
    "$glpft" doctor
} >"$out/environment.log" 2>&1
say environment ok "$(command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -1 || uname -m), $("$glpft" --version)"

agree full stage.tune=full
agree lora stage.tune=lora stage.lora.dropout=0.1
agree rows stage.tune=full data.packing=rows
# Weights of 4 bits are for models in files: the first comparison left one.
recipe=smollm2-135m-lora agree nf4 model.base="$out/runs/full-cpu-expected/models/global" data.source=builtin:sample model.weights=nf4 \
    stage.batch=4 stage.max_length=1536 stage.micro_batch_tokens=4096 stage.lora.rank=8
for size in ${sizes//,/ }; do
    speed "$size" lora rows 120
    speed "$size" lora tree 120
    if [ -n "$peer" ]; then ask_peer "$size" lora 90; fi
    case $size in 3b | 7b) continue ;; esac
    speed "$size" full rows 120
    if [ -n "$peer" ]; then ask_peer "$size" full 90; fi
done
printf '\nresults in %s\n' "$results"
exit $failed
