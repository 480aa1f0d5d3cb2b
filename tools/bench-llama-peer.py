#!/usr/bin/env python3
"""llama.cpp on the loads of bench/decoder.c: prefill of 512 tokens, decode of 64 behind 8, on 2 threads; the best of 3.

usage: tools/bench-llama-peer.py [models/gemma/gemma-3-270m-q4_k_m.gguf]
Needs llama-cpp-python (0.3.36 was measured), built on this machine: pip install llama-cpp-python in an environment of its own.
"""
import ctypes
import os
import sys
import time

import llama_cpp
import numpy

path = sys.argv[1] if len(sys.argv) > 1 else "models/gemma/gemma-3-270m-q4_k_m.gguf"
threads = int(os.environ.get("RECFUSE_THREADS", "2"))
model = llama_cpp.Llama(path, n_ctx=1024, n_batch=512, n_ubatch=512, n_threads=threads, n_threads_batch=threads,
                        logits_all=False, verbose=False)
ids = [2] + [1000 + (i * 7919) % 50000 for i in range(1, 512)]


def prefill():
    model.reset()
    start = time.perf_counter()
    model.eval(ids)
    return time.perf_counter() - start


def decode():
    model.reset()
    model.eval(ids[:8])
    vocabulary = model.n_vocab()
    start = time.perf_counter()
    for _ in range(64):
        logits = llama_cpp.llama_get_logits(model.ctx)
        array = (ctypes.c_float * vocabulary).from_address(ctypes.addressof(logits.contents))
        model.eval([int(numpy.frombuffer(array, dtype=numpy.float32).argmax())])
    return time.perf_counter() - start


prefill()
print(f"llama.cpp {llama_cpp.__version__} threads {threads}")
print(f"llama_prefill {512 / min(prefill() for _ in range(3)):.1f} tokens/s")
print(f"llama_decode {64 / min(decode() for _ in range(3)):.1f} tokens/s")
