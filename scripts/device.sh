#!/usr/bin/env bash
# What a device computes, and how fast: device.sh [OPTIONS] GLPFT
#
# GLPFT is the program, built with the device's feature. Beside it, only what the device needs to run (docs/guides/gpus.md) and the
# commands `timeout`, `awk` and `paste`: no Rust, no network, no model. Models are random, and their data is built in. Prints a line
# as each part ends, and writes OUT/results.tsv.
#
#   --device D       cuda, cuda:N, wgpu, wgpu:N or cpu                  (default: cuda)
#   --minutes N      stops then; what is left is named                  (default: 10)
#   --sizes A,…      of 1b, 7b, 135m, 3b and tiny, in this order        (default: 1b,7b,135m,3b)
#   --steps N        steps that are timed, after two that are not       (default: 8)
#   --peer PYTHON    also the same shapes in PyTorch with PEFT; this Python has torch, transformers and peft
#   --out DIR        where runs and results go; must not exist          (default: ./device-results)
#
# Parts, most important first: the environment; losses of 20 steps beside the CPU's; speed and memory of LoRA (rows and trees) and of
# full fine-tunes at each size; the peer. A part that fails is reported and the next one starts. The status is 1 if one failed, or if
# no losses could be compared. Rates are medians of the timed steps.
set -uo pipefail

device=cuda minutes=10 sizes=1b,7b,135m,3b steps=8 peer="" out=device-results
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0" >&2; exit 2; }
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
for command in timeout awk paste; do
    command -v "$command" >/dev/null || { echo "error: there is no \`$command\`; install coreutils and awk" >&2; exit 2; }
done
mkdir "$out" || { echo "error: --out $out: choose a directory that does not exist" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
results=$out/results.tsv
failed=0
compared=0
watcher=""
lora=(stage.tune=lora 'stage.lora.target_modules=["q_proj","k_proj","v_proj","o_proj","gate_proj","up_proj","down_proj"]')

stop() {
    [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
    echo "stopped; results so far in $results" >&2
    exit 130
}
trap stop INT TERM

left() { echo $((minutes * 60 - SECONDS)); }

say() { # PART OUTCOME DETAILS
    printf '%4d s  %-28s %-8s %s\n' "$SECONDS" "$1" "$2" "$3"
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$results"
    [ "$2" = FAILED ] && failed=1
    return 0
}

limited() { # PART SECONDS COMMAND…: its output in OUT/PART.log; says why it failed
    local part=$1 limit=$2 log status=0 cut=""
    log=$out/${part// /-}.log
    shift 2
    [ "$limit" -lt "$(left)" ] || { limit=$(left) cut=yes; }
    [ "$limit" -gt 0 ] || { say "$part" "not run" "the $minutes minutes are over"; return 1; }
    timeout --foreground -k 20 "$limit" "$@" >"$log" 2>&1 || status=$?
    case $status in
        0) return 0 ;;
        124 | 137)
            if [ -n "$cut" ]; then
                say "$part" "not run" "the $minutes minutes are over"
            else
                say "$part" FAILED "stopped after $limit s or for want of memory, see $log"
            fi
            ;;
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

median() { sort -g | awk '{ at[NR] = $1 } END { if (NR) print (at[int((NR + 1) / 2)] + at[int(NR / 2) + 1]) / 2 }'; }

compare() { # RUN RUN: `ok` or `far`, and the largest relative difference of 20 steps' losses; fails where there are not 20 of each
    paste <(steps_of "$1" | field loss) <(steps_of "$2" | field loss) | awk '
        NF != 2 || $1 !~ /^[0-9.e+-]+$/ || $2 <= 0 { wrong = 1; exit }
        { d = $1 - $2; d = (d < 0 ? -d : d) / $2; if (d > most) most = d }
        END { if (wrong || NR != 20) exit 1; printf "%s %.1e\n", (most <= 1e-4 ? "ok" : "far"), most }'
}

agree() { # NAME SETTINGS…
    local name=$1 verdict most
    shift
    train "losses $name" 120 cpu "$name-expected" stage.global.max_steps=20 "$@" || return
    [ "$device" = cpu ] && { say "losses $name" ok "on the CPU alone: nothing to compare"; compared=1; return; }
    train "losses $name" 120 "$device" "$name-found" stage.global.max_steps=20 "$@" || return
    read -r verdict most < <(compare "$name-found" "$name-expected") || { say "losses $name" FAILED "not 20 losses on both sides"; return; }
    compared=1
    if [ "$verdict" = ok ]; then
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
    case $device in cuda*) command -v nvidia-smi >/dev/null || return 0 ;; *) return 0 ;; esac
    local card=${device#cuda}
    card=${card#:}
    nvidia-smi --id="${card:-0}" --query-gpu=memory.used --format=csv,noheader,nounits -lms 300 >"$out/memory" 2>/dev/null &
    watcher=$!
}

memory_ends() { # the most MiB that the card held
    [ -n "$watcher" ] || return 0
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    watcher=""
    memory=$(awk '$1 > most { most = $1 } END { if (NR) printf ", %.1f GiB on the card", most / 1024 }' "$out/memory")
}

rates() { # RUN FIELD: of each timed step, in a second
    paste <(steps_of "$1" | field "$2") <(steps_of "$1" | field seconds) | awk 'NR > 2 { print $1 / $2 }'
}

speed() { # SIZE TUNE PACKING SECONDS
    local size=$1 tune=$2 packing=$3 limit=$4 name="$1 $2 $3" run="$1-$2-$3" h f l n k passes status memory="" tuned
    read -r h f l n k < <(shape "$size") || { say "speed $name" FAILED "no such size"; return; }
    tuned=(stage.tune=full) passes=6
    if [ "$tune" = lora ]; then tuned=("${lora[@]}") passes=4; fi
    memory_begins
    train "speed $name" "$limit" "$device" "$run" "${tuned[@]}" data.packing="$packing" \
        stage.global.max_steps=$((steps + 2)) stage.batch=16 stage.micro_batch_tokens=4096 \
        model.random.hidden_size="$h" model.random.intermediate_size="$f" model.random.layers="$l" \
        model.random.heads="$n" model.random.kv_heads="$k"
    status=$?
    memory_ends
    if [ $status = 0 ] && [ "$(steps_of "$run" | wc -l)" -eq $((steps + 2)) ]; then
        say "speed $name" ok "$(awk -v tokens="$(rates "$run" tokens | median)" -v computed="$(rates "$run" computed_tokens | median)" \
            -v h="$h" -v f="$f" -v l="$l" -v k="$k" -v n="$n" -v passes="$passes" 'BEGIN {
                weights = l * (2 * h * h + 2 * h * h * k / n + 3 * h * f)
                printf "%.0f tokens/s, %.0f computed/s, %.2f TFLOP/s in products", tokens, computed, passes * weights * computed / 1e12
            }')$memory"
    elif [ $status = 0 ]; then
        say "speed $name" FAILED "not every step was applied, see $out/runs/$run"
        return
    fi
    # Models and checkpoints are of no use, and the disk may be small.
    rm -rf "$out/runs/$run"
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
    if command -v nvidia-smi >/dev/null; then timeout --foreground 30 nvidia-smi; fi
    timeout --foreground 60 "$glpft" doctor
} >"$out/environment.log" 2>&1
say environment ok "$(command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -1 || uname -m), $("$glpft" --version)"

agree full stage.tune=full
agree lora "${lora[@]}" stage.lora.dropout=0.1
agree rows stage.tune=full data.packing=rows
# Weights of 4 bits are for models in files: the first comparison left one.
recipe=smollm2-135m-lora agree nf4 model.base="$out/runs/full-expected/models/global" data.source=builtin:sample model.weights=nf4 \
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
[ $compared = 1 ] || { echo "no losses were compared" >&2; failed=1; }
exit $failed
