#!/usr/bin/env python3
"""Makes tests/golden/decoders.csv: what transformers says of tiny random decoders of each family, in every tensor type that is read.

usage: golden-llm.py >tests/golden/decoders.csv
Needs, in a virtual environment: pip install torch transformers gguf  (the file's head says which versions made it)

The models are made by the formula below, which tests/llm/test_families.c repeats to the bit and writes as GGUF: bytes are draws named by
model and tensor, scales are put over them.  Here the gguf package takes the blocks apart, and transformers runs the model in float64.
A line is model,logits of the last of 24 tokens, one of each token of the vocabulary.
"""
import importlib.metadata
import sys

import gguf
import numpy as np
import torch
import transformers

HIDDEN, INSIDE, LAYERS, HEADS, KV, HEAD, VOCABULARY, CONTEXT, TOKENS = 256, 512, 3, 4, 2, 64, 262, 64, 24
TYPES = ["F32", "F16", "BF16", "Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
BLOCKS = {"Q4_0": (32, 18), "Q5_0": (32, 22), "Q8_0": (32, 34), "Q4_K": (256, 144), "Q5_K": (256, 176), "Q6_K": (256, 210)}
# (where, half) that is put over a block's bytes; the low six bits are the first byte's.
SCALES = {"Q4_0": [(0, 0x2000)], "Q5_0": [(0, 0x1C00)], "Q8_0": [(0, 0x1000)], "Q4_K": [(0, 0x0C00), (2, 0x1780)],
          "Q5_K": [(0, 0x0800), (2, 0x17C0)], "Q6_K": [(208, 0x0200)]}
U = np.uint64


def draws(name, n):
    """n bytes: splitmix64 (Steele, Lea, Flood 2014) from the FNV-1a hash of the name."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = U(h) + (np.arange(n, dtype=U) + U(1)) * U(0x9E3779B97F4A7C15)
        z = (z ^ z >> U(30)) * U(0xBF58476D1CE4E5B9)
        z = (z ^ z >> U(27)) * U(0x94D049BB133111EB)
        return ((z ^ z >> U(31)) & U(255)).astype(np.uint8)


class Model:
    """Tensors by the names of GGUF; the types go round in the order in which matrices are asked for."""

    def __init__(self, name):
        self.name, self.n = name, 0

    def vector(self, tensor, n, centre):
        return torch.tensor(centre + (2.0 * draws(self.name + "/" + tensor, n) - 255) * 2.0**-11, dtype=torch.float64)

    def matrix(self, tensor, rows, k):
        kind = TYPES[self.n % len(TYPES)]
        self.n += 1
        name = self.name + "/" + tensor
        if kind in ("F32", "F16", "BF16"):
            x = ((2.0 * draws(name, rows * k) - 255) * 2.0**-12).astype(np.float32)
            if kind == "BF16":
                x = (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
            return torch.tensor(x.reshape(rows, k).astype(np.float64))
        weights, size = BLOCKS[kind]
        b = draws(name, rows * k // weights * size).reshape(-1, size).copy()
        for at, half in SCALES[kind]:
            low = half | (b[:, at] & 63).astype(np.uint16)
            b[:, at], b[:, at + 1] = low & 255, low >> 8
        x = gguf.quants.dequantize(b.reshape(rows, -1), gguf.GGMLQuantizationType[kind])
        return torch.tensor(x.reshape(rows, k).astype(np.float64))


def turned(w, heads):
    """Llama's files hold rows so that pairs are neighbours; transformers' are halves apart."""
    return w.reshape(heads, HEAD // 2, 2, HIDDEN).transpose(1, 2).reshape(heads * HEAD, HIDDEN)


def block(m, i, family):
    """State of layer i by transformers' names."""
    p, g = f"model.layers.{i}.", f"blk.{i}."
    one = 1 if family.startswith("gemma") else 0  # its norms add one to what transformers holds
    q = m.matrix(g + "attn_q.weight", HEADS * HEAD, HIDDEN)
    k = m.matrix(g + "attn_k.weight", KV * HEAD, HIDDEN)
    s = {p + "self_attn.v_proj.weight": m.matrix(g + "attn_v.weight", KV * HEAD, HIDDEN),
         p + "self_attn.o_proj.weight": m.matrix(g + "attn_output.weight", HIDDEN, HEADS * HEAD),
         p + "mlp.gate_proj.weight": m.matrix(g + "ffn_gate.weight", INSIDE, HIDDEN),
         p + "mlp.up_proj.weight": m.matrix(g + "ffn_up.weight", INSIDE, HIDDEN),
         p + "mlp.down_proj.weight": m.matrix(g + "ffn_down.weight", HIDDEN, INSIDE),
         p + "input_layernorm.weight": m.vector(g + "attn_norm.weight", HIDDEN, 1) - one}
    s[p + "self_attn.q_proj.weight"] = turned(q, HEADS) if family.startswith("llama") else q
    s[p + "self_attn.k_proj.weight"] = turned(k, KV) if family.startswith("llama") else k
    before = "pre_feedforward_layernorm" if family == "gemma2" else "post_attention_layernorm"
    s[p + before + ".weight"] = m.vector(g + "ffn_norm.weight", HIDDEN, 1) - one
    if family == "gemma2":
        s[p + "post_attention_layernorm.weight"] = m.vector(g + "post_attention_norm.weight", HIDDEN, 1) - one
        s[p + "post_feedforward_layernorm.weight"] = m.vector(g + "post_ffw_norm.weight", HIDDEN, 1) - one
    if family == "qwen2":
        for part, rows in (("q", HEADS), ("k", KV), ("v", KV)):
            s[f"{p}self_attn.{part}_proj.bias"] = m.vector(f"{g}attn_{part}.bias", rows * HEAD, 0)
    if family == "qwen3":
        for part in "qk":
            s[f"{p}self_attn.{part}_norm.weight"] = m.vector(f"{g}attn_{part}_norm.weight", HEAD, 1)
    return s


def gpt2_block(m, i):
    p, g = f"transformer.h.{i}.", f"blk.{i}."
    s = {}
    for name, tensor, rows, k in (("attn.c_attn", "attn_qkv", 3 * HIDDEN, HIDDEN), ("attn.c_proj", "attn_output", HIDDEN, HIDDEN),
                                  ("mlp.c_fc", "ffn_up", INSIDE, HIDDEN), ("mlp.c_proj", "ffn_down", HIDDEN, INSIDE)):
        s[p + name + ".weight"] = m.matrix(g + tensor + ".weight", rows, k).T.contiguous()
        s[p + name + ".bias"] = m.vector(g + tensor + ".bias", rows, 0)
    for name, tensor in (("ln_1", "attn_norm"), ("ln_2", "ffn_norm")):
        s[p + name + ".weight"] = m.vector(g + tensor + ".weight", HIDDEN, 1)
        s[p + name + ".bias"] = m.vector(g + tensor + ".bias", HIDDEN, 0)
    return s


def gpt2():
    m = Model("gpt2")
    words = m.matrix("token_embd.weight", VOCABULARY, HIDDEN)
    s = {"transformer.wte.weight": words, "lm_head.weight": words,
         "transformer.wpe.weight": m.matrix("position_embd.weight", CONTEXT, HIDDEN),
         "transformer.ln_f.weight": m.vector("output_norm.weight", HIDDEN, 1),
         "transformer.ln_f.bias": m.vector("output_norm.bias", HIDDEN, 0)}
    for i in range(LAYERS):
        s |= gpt2_block(m, i)
    c = transformers.GPT2Config(vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_inner=INSIDE,
                                layer_norm_epsilon=1e-5, attn_implementation="eager")
    return transformers.GPT2LMHeadModel(c), s


def other(family):
    m = Model(family)
    tied = family.startswith("gemma") or family == "qwen3"
    one = 1 if family.startswith("gemma") else 0
    s = {"model.embed_tokens.weight": m.matrix("token_embd.weight", VOCABULARY, HIDDEN)}
    s["lm_head.weight"] = s["model.embed_tokens.weight"] if tied else m.matrix("output.weight", VOCABULARY, HIDDEN)
    s["model.norm.weight"] = m.vector("output_norm.weight", HIDDEN, 1) - one
    for i in range(LAYERS):
        s |= block(m, i, family)
    common = dict(vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=INSIDE, num_hidden_layers=LAYERS,
                  num_attention_heads=HEADS, num_key_value_heads=KV, head_dim=HEAD, rms_norm_eps=1e-6,
                  max_position_embeddings=CONTEXT, tie_word_embeddings=tied, attn_implementation="eager")
    rope = {"rope_type": "default", "rope_theta": 1e6 if family.startswith("qwen") else 1e4}
    if family == "llama3":
        rope = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 16}
    if family.startswith("llama"):
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(rope_parameters=rope, **common)), s
    if family == "qwen2":
        return transformers.Qwen2ForCausalLM(transformers.Qwen2Config(rope_parameters=rope, **common)), s
    if family == "qwen3":
        return transformers.Qwen3ForCausalLM(transformers.Qwen3Config(rope_parameters=rope, **common)), s
    if family == "gemma":
        return transformers.GemmaForCausalLM(transformers.GemmaConfig(rope_parameters=rope, hidden_activation="gelu_pytorch_tanh", **common)), s
    c = transformers.Gemma2Config(rope_parameters=rope, query_pre_attn_scalar=HEAD, sliding_window=8, attn_logit_softcapping=0.5,
                                  final_logit_softcapping=1.5, hidden_activation="gelu_pytorch_tanh", **common)
    return transformers.Gemma2ForCausalLM(c), s


print(f"# tools/golden-llm.py: transformers {transformers.__version__}, torch {torch.__version__}, float64; gguf "
      f"{importlib.metadata.version('gguf')} takes the blocks apart")
ids = torch.tensor([[(7 * i * i + 3 * i + 5) % VOCABULARY for i in range(TOKENS)]])
for family in ("llama", "llama3", "qwen2", "qwen3", "gemma", "gemma2", "gpt2"):
    model, state = gpt2() if family == "gpt2" else other(family)
    model = model.double().eval()
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and not [n for n in missing if "rotary" not in n and not n.endswith("attn.bias")], (missing, unexpected)
    with torch.no_grad():
        logits = model(ids, use_cache=False).logits[0, -1]
    print(family + "," + ",".join(f"{x:.7g}" for x in logits.tolist()))
    print(family, "std of logits", logits.std().item(), file=sys.stderr)
