#!/usr/bin/env python3
"""Writes tests/golden/lora.jsonl: a small random BERT with LoRA adapters on queries and values, its vectors of a few texts (mean pooling, length 1) and the
gradient by the adapters of the sum of c . vector, by PyTorch in double.  Weights are made by a formula, here and in tests/llm/test_encoder_lora.c; the
vocabulary is tests/llm/tiny_bert.h's.  A line a case: all layers adapted, the top one alone.

Last run with torch 2.15.0 (CPU), transformers 5.24.0, peft 0.21.2.
usage: tools/golden-lora.py >tests/golden/lora.jsonl
"""
import json
import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertModel

H, F, LAYERS, HEADS, VOCABULARY, POSITIONS, RANK, ALPHA = 96, 80, 2, 3, 60, 40, 3, 6
WORDS = {"the": 5, "a": 6, "of": 7, "night": 9, "river": 11, "moon": 15, "love": 17, "dark": 20, "house": 23, "garden": 25}
TEXTS = ["the dark house of the river", "moon", "a love of the night", ""]

def mix(x):  # splitmix64 (Steele, Lea, Flood 2014)
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

def numbers(tensor, shape, mean=0.0, spread=0.1):
    with np.errstate(over="ignore"):
        h = mix(np.uint64(tensor) * np.uint64(1 << 32) + np.arange(int(np.prod(shape)), dtype=np.uint64))
    u = (h >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1
    return torch.from_numpy((mean + spread * u).astype(np.float32).reshape(shape)).double()

def state():  # in the order of tiny_make_wide()
    out = {}
    def add(name, shape, mean=0.0):
        out[name] = numbers(len(out), shape, mean, 0.25)
    def pair(name, rows, cols=0):
        add(name + ".weight", [rows, cols] if cols else [rows], 0.0 if cols else 1.0)
        add(name + ".bias", [rows])
    add("embeddings.word_embeddings.weight", [VOCABULARY, H])
    add("embeddings.position_embeddings.weight", [POSITIONS, H])
    add("embeddings.token_type_embeddings.weight", [2, H])
    pair("embeddings.LayerNorm", H)
    for i in range(LAYERS):
        at = f"encoder.layer.{i}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            pair(at + part, H, H)
        pair(at + "attention.output.LayerNorm", H)
        pair(at + "intermediate.dense", F, H)
        pair(at + "output.dense", H, F)
        pair(at + "output.LayerNorm", H)
    return out

def case(layers):
    torch.manual_seed(0)
    base = BertModel(BertConfig(vocab_size=VOCABULARY, hidden_size=H, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=F,
                                max_position_embeddings=POSITIONS, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0), add_pooling_layer=False)
    base.load_state_dict(state(), strict=False)
    top = list(range(LAYERS - layers, LAYERS))
    model = get_peft_model(base, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["query", "value"], lora_dropout=0.0, layers_to_transform=top)).double()
    adapters = []
    for i in top:
        for part in ("query", "value"):
            layer = getattr(model.base_model.model.encoder.layer[i].attention.self, part)
            adapters += [layer.lora_A["default"].weight, layer.lora_B["default"].weight]
    for n, a in enumerate(adapters):
        a.data = numbers(1000 + n, list(a.shape), 0.0, 0.3)
    model.eval()
    rows, loss = [], 0
    for n, text in enumerate(TEXTS):
        ids = [2] + [WORDS[w] for w in text.split()] + [3]
        state_ = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
        vector = torch.nn.functional.normalize(state_.mean(0), dim=0)
        loss = loss + (numbers(2000 + n, [H], 0.0, 1.0) * vector).sum()
        rows.append({"text": text, "ids": ids, "vector": [float(f"{x:.8g}") for x in vector.tolist()]})
    loss.backward()
    gradient = torch.cat([a.grad.reshape(-1) for a in adapters])
    print(json.dumps({"layers": layers, "texts": rows, "gradient": [float(f"{x:.6g}") for x in gradient.tolist()]}))

for layers in (2, 1):
    case(layers)
