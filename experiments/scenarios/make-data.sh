#!/usr/bin/env bash
# The generated sets of shop-zh.yaml and courses.yaml in datasets/scenarios: a Chinese shop, and courses.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p datasets/scenarios
size=(--users 400 --items 300 --interactions 8000 --seed 11)
build/recfuse synth -o datasets/scenarios/shop-zh.h5 "${size[@]}" --scenario shop --language chinese
build/recfuse synth -o datasets/scenarios/courses.h5 "${size[@]}" --scenario courses
