#!/usr/bin/env python3
"""Our sentence encoder beside onnxruntime (fp32, same weights, same token ids) in one run, by turns.

Needs numpy, onnx and onnxruntime; build/recfuse, build/release/bench/encoder and models/minilm.  The graph is made here
from model.safetensors (opset 20: LayerNormalization and Gelu as one node each, which onnxruntime has kernels for), so
nothing is downloaded.  SPIN=0 lets its idle threads sleep, so that CPU seconds can be compared on a busy
machine.  Texts come in batches of 64 of like length, as any user of onnxruntime would send them.  The
vectors are compared too: a fast wrong answer would be no peer.  usage: tools/bench-encoder-peer.py [ROUNDS]
"""
import json, os, re, struct, subprocess, sys, tempfile, time
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
MODEL = "models/minilm/model.safetensors"

raw = open(MODEL, "rb").read()
n = struct.unpack("<Q", raw[:8])[0]
head = json.loads(raw[8:8 + n])
W = {k: np.frombuffer(raw, np.float32, offset=8 + n + v["data_offsets"][0],
                      count=(v["data_offsets"][1] - v["data_offsets"][0]) // 4).reshape(v["shape"])
     for k, v in head.items() if k != "__metadata__" and v["dtype"] == "F32"}

nodes, weights = [], []
def const(name, array):
    weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return name
def op(kind, inputs, name, **attributes):
    nodes.append(helper.make_node(kind, inputs, [name], **attributes))
    return name
def dense(x, key, name):
    y = op("MatMul", [x, const(name + ".w", W[key + ".weight"].T)], name + ".mm")
    return op("Add", [y, const(name + ".b", W[key + ".bias"])], name)
def norm(x, key, name):
    return op("LayerNormalization", [x, const(name + ".g", W[key + ".weight"]), const(name + ".o", W[key + ".bias"])],
              name, axis=-1, epsilon=1e-12)
def heads(x, name, keys=False):
    y = op("Reshape", [x, "split"], name + ".r")
    return op("Transpose", [y], name, perm=[0, 2, 3, 1] if keys else [0, 2, 1, 3])

const("split", np.array([0, 0, 12, 32], np.int64)); const("join", np.array([0, 0, 384], np.int64))
const("scale", np.float32(32 ** -0.5)); const("one", np.float32(1)); const("minus", np.float32(-1e9))
const("axes1", np.array([1], np.int64)); const("axes12", np.array([1, 2], np.int64)); const("axes2", np.array([2], np.int64))
const("zero1", np.array([0], np.int64))
e = "embeddings."
word = op("Gather", [const("word", W[e + "word_embeddings.weight"]), "ids"], "word.e")
shape = op("Shape", ["ids"], "shape")
length = op("Gather", [shape, const("i1", np.array([1], np.int64))], "length")
place = op("Slice", [const("place", W[e + "position_embeddings.weight"] + W[e + "token_type_embeddings.weight"][0]),
                     "zero1", "length", "zero1"], "place.e")
x = norm(op("Add", [word, place], "emb"), e + "LayerNorm", "emb.ln")
maskf = op("Cast", ["mask"], "maskf", to=TensorProto.FLOAT)
off = op("Mul", [op("Sub", ["one", op("Unsqueeze", [maskf, "axes12"], "m4")], "inv"), "minus"], "off")
for i in range(6):
    p, q = f"encoder.layer.{i}.", f"l{i}."
    Q = heads(dense(x, p + "attention.self.query", q + "q"), q + "qh")
    K = heads(dense(x, p + "attention.self.key", q + "k"), q + "kh", keys=True)
    V = heads(dense(x, p + "attention.self.value", q + "v"), q + "vh")
    s = op("Add", [op("Mul", [op("MatMul", [Q, K], q + "qk"), "scale"], q + "s"), "off"], q + "sm")
    c = op("MatMul", [op("Softmax", [s], q + "p", axis=-1), V], q + "c")
    c = op("Reshape", [op("Transpose", [c], q + "ct", perm=[0, 2, 1, 3]), "join"], q + "cj")
    x = norm(op("Add", [x, dense(c, p + "attention.output.dense", q + "o")], q + "r1"), p + "attention.output.LayerNorm", q + "n1")
    h = op("Gelu", [dense(x, p + "intermediate.dense", q + "i")], q + "g")
    x = norm(op("Add", [x, dense(h, p + "output.dense", q + "f")], q + "r2"), p + "output.LayerNorm", q + "n2")
m3 = op("Unsqueeze", [maskf, "axes2"], "m3")
total = op("ReduceSum", [op("Mul", [x, m3], "xm"), "axes1"], "total", keepdims=0)
mean = op("Div", [total, op("ReduceSum", [m3, "axes1"], "count", keepdims=0)], "mean")
op("LpNormalization", [mean], "out", axis=1, p=2)
graph = helper.make_graph(nodes, "minilm", [helper.make_tensor_value_info(k, TensorProto.INT64, ["b", "t"]) for k in ("ids", "mask")],
                          [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["b", 384])], weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
model.ir_version = 9
options = ort.SessionOptions(); options.intra_op_num_threads = 2
options.add_session_config_entry("session.intra_op.allow_spinning", os.environ.get("SPIN", "1"))
session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

titles = [f"{a} {b} ({y})" for a in ("The Last", "Dark", "Summer", "Secret", "Return", "City", "River", "Garden")
          for b in ("Story", "Night", "Man", "House", "Moon", "War", "Heat", "Love") for y in range(1980, 1996)]
texts = [" ".join(["story"] * 126)] * 48
def ids_of(lines):
    out = subprocess.run(["build/recfuse", "embed", "--model", "models/minilm"], input="\n".join(lines) + "\n",
                         capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    return [r["ids"] for r in rows], np.array([r["embedding"] for r in rows], np.float32)
def peer(ids):
    out = np.empty((len(ids), 384), np.float32)
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for at in range(0, len(order), 64):
        rows = order[at:at + 64]
        width = max(len(ids[i]) for i in rows)
        a, m = np.zeros((len(rows), width), np.int64), np.zeros((len(rows), width), np.int64)
        for r, i in enumerate(rows):
            a[r, :len(ids[i])] = ids[i]; m[r, :len(ids[i])] = 1
        out[rows] = session.run(None, {"ids": a, "mask": m})[0]
    return out

def ours():
    """One run of each load: {load: (texts a second, texts a CPU second)}, int8 beside fp32."""
    out = subprocess.run(["build/release/bench/encoder", file.name], capture_output=True, text=True, check=True,
                         env={**os.environ, "OMP_WAIT_POLICY": "passive", "RECFUSE_RUNS": "2"}).stdout
    wall = dict(re.findall(r"^encoder_(\S+) ([0-9.]+) texts/s", out, re.M))
    cpu = dict(re.findall(r"^encoder_(\S+) ([0-9.]+) texts a CPU second", out, re.M))
    return {load: (float(wall[load]), float(cpu[load])) for load in wall}, out

loads = {"titles": titles, "texts_of_128": texts}
file = tempfile.NamedTemporaryFile("w", suffix=".txt")
file.write("\n".join(titles) + "\n"); file.flush()
ids = {}
for name, lines in loads.items():
    ids[name], vectors = ids_of(lines)
    print(f"{name}: {len(lines)}, {np.mean([len(i) for i in ids[name]]):.1f} tokens a text, "
          f"largest difference of a number {np.abs(vectors - peer(ids[name])).max():.1e}")
best = {}
def keep(name, wall, cpu):
    old = best.get(name, (0, 0))
    best[name] = (max(old[0], wall), max(old[1], cpu))
for _ in range(ROUNDS):
    for name in loads:
        for _ in range(2):
            t, c = time.perf_counter(), time.process_time()
            peer(ids[name])
            keep("onnxruntime fp32_" + name, len(ids[name]) / (time.perf_counter() - t), len(ids[name]) / (time.process_time() - c))
    speeds, out = ours()
    for name, (wall, cpu) in speeds.items():
        keep("recfuse " + name, wall, cpu)
print(out)
print(f"onnxruntime {ort.__version__}; best of {2 * ROUNDS}, by turns:        texts/s   texts a CPU second")
for name, (wall, cpu) in sorted(best.items()):
    load = name.split("_", 1)[1]
    base = best["onnxruntime fp32_" + load]
    print(f"{name:44} {wall:8.1f} ({wall / base[0]:.2f} x) {cpu:8.1f} ({cpu / base[1]:.2f} x)")
