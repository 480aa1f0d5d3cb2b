#!/usr/bin/env bash
# Every kernel's PTX under the emulator, one seed (`make gpu-emulate` runs three), where nvcc and the emulator are at hand.
[ "$(basename "${BUILD:-build/release}")" = release ] || { echo "skipped gpu-emulate: only beside the release build"; exit 0; }
command -v "${NVCC:-nvcc}" >/dev/null || { [ -z "${NVCC:-}" ] && [ -x /usr/local/cuda/bin/nvcc ]; } || { echo "skipped gpu-emulate: nvcc is not installed"; exit 0; }
[ -x "${PTXEMU:-../shared/ptxemu}/ptxemu.sh" ] || { echo "skipped gpu-emulate: no emulator (PTXEMU names its folder)"; exit 0; }
make -s -j2 gpu-emulate-build >/dev/null 2>build/gpu-emulate.log || { echo "not ok gpu-emulate-build"; tail -n 20 build/gpu-emulate.log; exit 1; }
tools/gpu-emulate.sh build/gpu-emulate 1
