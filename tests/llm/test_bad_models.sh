#!/usr/bin/env bash
# Every bad GGUF and safetensors file, through the program: status 3, one sentence that says what is wrong with which file, nothing on
# standard output, no crash, and no memory beyond what a good file takes.  The files are made here; the good ones must work.
set -uo pipefail
python3 - "$BUILD/recfuse" <<'P'
import json, os, random, struct, subprocess, sys, tempfile, time
program = sys.argv[1]
folder = tempfile.mkdtemp()
random.seed(5)

def run(*arguments, **more):
    process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), out.decode(), err.decode(), usage.ru_maxrss / 1024

def check(name, word, *arguments, limit):
    code, out, err, peak = run(*arguments)
    lines = err.strip().split("\n")
    good = code == 3 and out == "" and len(lines) == 1 and word in err and peak < limit
    print(f"ok {name}" if good else f"not ok {name}: status {code}, {peak:.0f} MiB (limit {limit:.0f}), stdout {out[:80]!r}, stderr {err[:300]!r}")

# ---------------------------------------------------------------- GGUF
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
def text(s): b = s.encode() if isinstance(s, str) else s; return struct.pack("<Q", len(b)) + b
def kv(key, kind, value): return text(key) + struct.pack("<I", kind) + value
PIECES = ["<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab"] + [f"<0x{i:02X}>" for i in range(256)]
HIDDEN, V = 32, len(PIECES)
def metadata():
    u = lambda key, x: kv(key, U32, struct.pack("<I", x))
    return [kv("general.architecture", STRING, text("llama")), u("llama.block_count", 1), u("llama.context_length", 64),
            u("llama.embedding_length", HIDDEN), u("llama.feed_forward_length", 32), u("llama.attention.head_count", 1),
            u("llama.attention.head_count_kv", 1), kv("llama.attention.layer_norm_rms_epsilon", F32, struct.pack("<f", 1e-5)),
            kv("tokenizer.ggml.model", STRING, text("llama")),
            kv("tokenizer.ggml.tokens", ARRAY, struct.pack("<IQ", STRING, V) + b"".join(map(text, PIECES))),
            kv("tokenizer.ggml.scores", ARRAY, struct.pack("<IQ", F32, V) + struct.pack(f"<{V}f", *[0.0] * V)),
            kv("tokenizer.ggml.token_type", ARRAY, struct.pack("<IQ", I32, V) + struct.pack(f"<{V}i", 2, 3, 3, 1, 1, 1, 1, *[6] * 256)),
            u("tokenizer.ggml.bos_token_id", 1), u("tokenizer.ggml.eos_token_id", 2)]
def tensors():
    shapes = [("token_embd.weight", (HIDDEN, V)), ("output_norm.weight", (HIDDEN,))]
    shapes += [(f"blk.0.{n}.weight", (HIDDEN,)) for n in ("attn_norm", "ffn_norm")]
    shapes += [(f"blk.0.{n}.weight", (HIDDEN, 32)) for n in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_gate", "ffn_down")]
    out = []
    for name, shape in shapes:
        n = 1
        for d in shape: n *= d
        out.append([name, list(shape), 0, struct.pack(f"<{n}f", *[random.gauss(0, 0.2) for _ in range(n)])])
    return out
def gguf(values=None, parts=None, magic=b"GGUF", version=3, n_tensors=None, n_values=None, offsets=None, cut=0, alignment=32):
    values = metadata() if values is None else values
    parts = tensors() if parts is None else parts
    head = magic + struct.pack("<IQQ", version, len(parts) if n_tensors is None else n_tensors, len(values) if n_values is None else n_values)
    head += b"".join(values)
    at, data = 0, b""
    for i, (name, shape, kind, bytes_) in enumerate(parts):
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, (offsets or {}).get(i, at))
        data += bytes_ + b"\0" * (-len(bytes_) % 32)
        at = len(data)
    head += b"\0" * (-len(head) % alignment)
    whole = head + data
    return whole[:len(whole) - cut] if cut else whole
path = os.path.join(folder, "m.gguf")
def put(at, bytes_):
    with open(at, "wb") as f: f.write(bytes_)
put(path, gguf())
code, out, err, good_peak = run("logits", "-m", path, "-t", "ab", "--top", "2")
print("ok good_gguf" if code == 0 and json.loads(out)["ids"] == [1, 3, 6] else f"not ok good_gguf: {code} {out} {err}")
def part(i, **change):
    p = tensors()
    for key, value in change.items(): p[i][("name", "shape", "type", "data").index(key)] = value
    return p
nan = bytearray(tensors()[4][3]); nan[40:44] = struct.pack("<f", float("nan"))
align = lambda n: metadata() + [kv("general.alignment", U32, struct.pack("<I", n))]
first = 4 + 4 + 8 + 8
long_key = bytearray(gguf()); long_key[first:first + 8] = struct.pack("<Q", 1 << 63)
rest = lambda key, value: [value if v.startswith(text(key)) else v for v in metadata()]
bad = {
    "wrong_magic": (gguf(magic=b"GGML"), "m.gguf"), "version_0": (gguf(version=0), "version 0"), "version_1": (gguf(version=1), "version 1"),
    "version_99": (gguf(version=99), "version 99"), "tensors_2_60": (gguf(n_tensors=1 << 60), "1152921504606846976"),
    "values_2_60": (gguf(n_values=1 << 60), "1152921504606846976"), "key_2_63": (bytes(long_key), "m.gguf"),
    "empty_key": (gguf(metadata() + [kv("", U32, b"\0\0\0\0")]), "0 bytes"), "twice": (gguf(metadata() + [metadata()[0]]), "general.architecture"),
    "alignment_0": (gguf(align(0)), "alignment"), "alignment_13": (gguf(align(13)), "alignment"), "alignment_2_30": (gguf(align(1 << 30)), "m.gguf"),
    "five_dims": (gguf(parts=part(0, shape=[HIDDEN, V, 1, 1, 1])), "5 dim"), "dims_wrap": (gguf(parts=part(0, shape=[1 << 33, 1 << 33])), "token_embd.weight"),
    "dims_wrap_to_it": (gguf(parts=part(0, shape=[HIDDEN, V, 1 << 32, 1 << 32])), "token_embd.weight"),
    "overlap": (gguf(offsets={1: 0}), "m.gguf"), "beyond": (gguf(offsets={3: 1 << 40}), "m.gguf"), "truncated": (gguf(cut=64), "m.gguf"),
    "cut_in_header": (gguf()[:300], "m.gguf"), "empty_file": (b"", "m.gguf"), "unknown_type": (gguf(parts=part(0, type=77)), "77"),
    "unknown_value_type": (gguf(metadata() + [kv("x", 77, b"\0" * 8)]), "77"),
    "no_tokenizer": (gguf([v for v in metadata() if b"tokenizer.ggml.model" not in v]), "no tokenizer"),
    "id_beyond": (gguf(rest("tokenizer.ggml.bos_token_id", kv("tokenizer.ggml.bos_token_id", U32, struct.pack("<I", V)))), "bos_token_id"),
    "fewer_embeddings": (gguf(parts=part(0, shape=[HIDDEN, V - 1], data=tensors()[0][3][:-4 * HIDDEN])), "token_embd.weight"),
    "nan_weight": (gguf(parts=part(4, data=bytes(nan))), "not finite"), "missing_tensor": (gguf(parts=tensors()[:-1]), "ffn_down"),
}
for name, (bytes_, word) in bad.items():
    put(path, bytes_)
    check(f"gguf_{name}", word, "logits", "-m", path, "-t", "ab", limit=good_peak + 16)

# ---------------------------------------------------------------- safetensors
model = os.path.join(folder, "bert"); os.mkdir(model)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
config = dict(model_type="bert", hidden_act="gelu", vocab_size=7, hidden_size=32, num_hidden_layers=1, num_attention_heads=1, intermediate_size=32,
              max_position_embeddings=16, layer_norm_eps=1e-12)
def bert_parts():
    p = {"embeddings.word_embeddings.weight": (7, 32), "embeddings.position_embeddings.weight": (16, 32), "embeddings.token_type_embeddings.weight": (2, 32)}
    norms = ["embeddings.LayerNorm", "encoder.layer.0.attention.output.LayerNorm", "encoder.layer.0.output.LayerNorm"]
    dense = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "intermediate.dense", "output.dense"]
    for n in norms: p[n + ".weight"] = p[n + ".bias"] = (32,)
    for n in dense: p[f"encoder.layer.0.{n}.weight"] = (32, 32); p[f"encoder.layer.0.{n}.bias"] = (32,)
    return p
def bert(change=lambda header, data: None):
    header, data, at = {}, b"", 0
    for name, shape in bert_parts().items():
        n = shape[0] * (shape[1] if len(shape) > 1 else 1)
        half = "word" in name # these stay in the map
        bytes_ = struct.pack(f"<{n}{'e' if half else 'f'}", *[random.gauss(1 if "Norm" in name else 0, 0.2) for _ in range(n)])
        header[name] = {"dtype": "F16" if half else "F32", "shape": list(shape), "data_offsets": [at, at + len(bytes_)]}
        data += bytes_; at += len(bytes_)
    data = bytearray(data)
    raw = change(header, data) or json.dumps(header)
    return struct.pack("<Q", len(raw)) + raw.encode() + bytes(data)
def files():
    put(os.path.join(model, "config.json"), json.dumps(config).encode())
    put(os.path.join(model, "vocab.txt"), "\n".join(WORDS).encode())
    put(os.path.join(model, "model.safetensors"), bert())
weights = os.path.join(model, "model.safetensors")
files()
code, out, err, good_peak = run("embed", "-m", model, "-t", "a b")
print("ok good_safetensors" if code == 0 and json.loads(out)["ids"] == [2, 5, 6, 3] else f"not ok good_safetensors: {code} {out} {err}")
W, Q = "embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.weight"
def hole(h, d):
    names = list(h)
    for n in names[5:]: h[n]["data_offsets"] = [x + 8 for x in h[n]["data_offsets"]]
    d += b"\0" * 8
def overlap(h, d): h[Q]["data_offsets"] = [x - 128 for x in h[Q]["data_offsets"]]
def size(h, d): h[W]["dtype"] = "F32"
def dtype(h, d): h[W]["dtype"] = "F13"
def shape(h, d): h[Q]["shape"] = [32, 31]
def outside(h, d): h[Q]["data_offsets"] = [x + (1 << 40) for x in h[Q]["data_offsets"]]
def nan_(h, d): at = h[Q]["data_offsets"][0]; d[at:at + 4] = struct.pack("<f", float("nan"))
def infinite(h, d): at = h[W]["data_offsets"][0]; d[at:at + 2] = b"\0\x7c"
def missing(h, d):
    h["other"] = h.pop(Q)
def twice(h, d): return json.dumps(h)[:-1] + ", " + json.dumps({W: h[W]})[1:]
def behind(h, d): d += b"1234"
bad = {"hole": (hole, "hole"), "overlap": (overlap, "overlap"), "size_against_dtype": (size, W), "unknown_dtype": (dtype, "F13"), "size_against_shape": (shape, Q),
       "out_of_file": (outside, Q), "nan_weight": (nan_, "not finite"), "infinite_word": (infinite, "not finite"), "missing_tensor": (missing, "missing"),
       "names_twice": (twice, "duplicate"), "bytes_behind": (behind, "belong to none")}
for name, (change, word) in bad.items():
    put(weights, bert(change))
    check(f"safetensors_{name}", word, "embed", "-m", model, "-t", "a b", limit=good_peak + 16)
good = bert()
for name, bytes_, word in [("header_2_63", struct.pack("<Q", 1 << 63) + good[8:], "header's length"), ("header_no_brace", good[:8] + b"[" + good[9:], "does not begin"),
                           ("header_empty", struct.pack("<Q", 0) + good[8:], "does not begin"), ("truncated", good[:-50], "cut off"), ("empty_file", b"", "too few"),
                           ("not_json", good[:8] + b"{{" + good[10:], "not JSON")]:
    put(weights, bytes_)
    check(f"safetensors_{name}", word, "embed", "-m", model, "-t", "a b", limit=good_peak + 16)
files(); os.unlink(os.path.join(model, "vocab.txt"))
check("tokenizer_missing", "vocab.txt", "embed", "-m", model, "-t", "a b", limit=good_peak + 16)
files(); put(os.path.join(model, "vocab.txt"), "\n".join(WORDS + ["c"]).encode())
check("id_beyond_vocabulary", "vocab_size is 7", "embed", "-m", model, "-t", "a b", limit=good_peak + 16)
files(); put(os.path.join(model, "config.json"), b"{")
check("config_no_json", "config.json", "embed", "-m", model, "-t", "a b", limit=good_peak + 16)

# ---------------------------------------------------------------- a file that shrinks while it is mapped
def shrinks(name, where, *arguments):
    process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"a b\n" * 600); process.stdin.flush() # more than go at once: some come back
    first_line = process.stdout.readline()
    os.truncate(where, 0)
    try: process.stdin.write(b"b a\n" * 5000); process.stdin.close()
    except BrokenPipeError: pass
    process.stdout.read(); err = process.stderr.read().decode(); code = process.wait()
    good = first_line.startswith(b"{") and code == 3 and len(err.strip().split("\n")) == 1 and os.path.basename(where) + ": the file became shorter" in err
    print(f"ok {name}" if good else f"not ok {name}: {code} {err[:200]!r} {first_line[:60]!r}")
files()
shrinks("safetensors_shrinks", weights, "embed", "-m", model)
put(path, gguf())
shrinks("gguf_shrinks", path, "tokenize", "-m", path)
subprocess.run(["rm", "-rf", folder])
P
