#!/usr/bin/env python3
"""Makes tests/golden/lstm.csv: what Keras says of Embedding -> LSTM -> LSTM -> Dense(1, sigmoid) at given weights.

usage: KERAS_BACKEND=jax golden-lstm.py >tests/golden/lstm.csv
Needs, in a virtual environment: pip install keras jax

Weights and words follow from formulas that tests/fusion/test_lstm.c has too: weight e (in the order of src/fusion/lstm_net.h: embedding; kernel, recurrent kernel
and bias of each layer; dense kernel and bias) is 0.3 sin(1 + 0.7 e + 0.01 e^2 mod 50), as float32.  Sequences of 6, 3 and 1 words, shorter ones
padded with 0 before them and masked (mask_zero).
Lines:  p,sequence,probability       loss,0,mean binary cross-entropy       gradient,weight's number,derivative of the mean loss
"""
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import jax
import jax.numpy as jnp
import keras
import numpy as np

WORDS, EMBEDDING, HIDDEN, STEPS = 7, 3, 32, 6
LENGTHS, TARGETS = [6, 3, 1], np.array([1, 0, 1], "float32")

model = keras.Sequential(
    [
        keras.layers.Input((STEPS,), dtype="int32"),
        keras.layers.Embedding(WORDS, EMBEDDING, mask_zero=True),
        keras.layers.LSTM(HIDDEN, return_sequences=True, use_cudnn=False),
        keras.layers.LSTM(HIDDEN, use_cudnn=False),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
sizes = [w.shape for w in model.get_weights()]
e = np.arange(sum(int(np.prod(s)) for s in sizes), dtype="float64")
flat = (0.3 * np.sin(1 + 0.7 * e + np.mod(0.01 * e * e, 50))).astype("float32")
parts = np.split(flat, np.cumsum([int(np.prod(s)) for s in sizes])[:-1])
model.set_weights([p.reshape(s) for p, s in zip(parts, sizes)])

words = np.zeros((len(LENGTHS), STEPS), "int32")
for r, length in enumerate(LENGTHS):
    for t in range(STEPS - length, STEPS):
        words[r, t] = 1 + (3 * r + 2 * t + r * t) % (WORDS - 1)


def loss(trainable):
    p, _ = model.stateless_call(trainable, [v.value for v in model.non_trainable_variables], words)
    p = p[:, 0]
    return -jnp.mean(TARGETS * jnp.log(p) + (1 - TARGETS) * jnp.log(1 - p)), p


(value, p), gradient = jax.value_and_grad(loss, has_aux=True)([v.value for v in model.trainable_variables])
gradient = np.concatenate([np.asarray(g).ravel() for g in gradient])
print(f"# keras {keras.__version__}, jax {jax.__version__}, float32; golden-lstm.py")
for r, v in enumerate(p):
    print(f"p,{r},{float(v):.9g}")
print(f"loss,0,{float(value):.9g}")
for k in list(range(0, WORDS * EMBEDDING)) + list(range(WORDS * EMBEDDING, len(gradient), 23)) + [len(gradient) - 1]:
    print(f"gradient,{k},{float(gradient[k]):.9g}")
