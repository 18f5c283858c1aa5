"""Layers, recurrent cells, distributions, data sets and shapes of the TensorFlow face: small programs, held against what they gave on TensorFlow 2.21.

The numbers stand in data/layers_of_tensorflow.json. Where the real TensorFlow is, the test marked `native` measures them again; with
MAPPER_UPDATE_NUMBERS=1 it writes them.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mapper.runtime.tensorflow.api import modules

NUMBERS = Path(__file__).parent / "data" / "layers_of_tensorflow.json"

# What both frameworks run: `results` of a program, over `runs` runs, after every trainable variable got the same numbers.
MEASURE = '''
def listed(value, np):
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in listed(value[key], np)]
    if isinstance(value, (list, tuple)):
        return [number for part in value for number in listed(part, np)]
    array = np.asarray(value)
    return [[str(array.dtype), list(array.shape), [float(np.float32(n)) for n in array.reshape(-1)]]]


def measure(tf, np, text):
    with tf.Graph().as_default():
        space = {"tf": tf, "np": np}
        exec(text, space)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for k, v in enumerate(tf.trainable_variables()):
                shape = v.shape.as_list()
                v.load((0.5 * np.sin(np.arange(int(np.prod(shape))) + k)).reshape(shape).astype("float32"), session)
            if "first" in space:
                session.run(space["first"])
            found = [listed(session.run(space["results"], space.get("feed")), np) for _ in range(space.get("runs", 1))]
        notes = [str(note) for note in space.get("notes", ())]
        return {"values": [value for run in found for value in run], "names": [v.name for v in tf.trainable_variables()], "notes": notes}
'''

BATCH = "x = tf.constant(np.cos(np.arange(12.)).reshape(4, 3), tf.float32)\n"
IMAGES = "img = tf.constant(np.cos(np.arange(2 * 6 * 6 * 2.)).reshape(2, 6, 6, 2), tf.float32)\n"
SERIES = ("seq = tf.constant(np.cos(np.arange(3 * 4 * 2.)).reshape(3, 4, 2), tf.float32)\n"
          "lengths = tf.constant([4, 1, 2])\n"
          "def with_gradients(*ys):\n"
          "    total = sum(tf.reduce_sum(tf.sin(y)) for y in ys)\n"
          "    return list(ys) + tf.gradients(total, [seq] + tf.trainable_variables())\n")

PROGRAMS = {
    # ----------------------------------------------------------------------------------------------------------------- Keras
    "keras dense shared": BATCH + """
layer = tf.keras.layers.Dense(2, activation='tanh')
a, b = layer(x), layer(x * 2.0)
results = [a, b, layer.kernel, layer.bias] + tf.gradients(tf.reduce_sum(a * b), [x] + layer.trainable_variables)
notes = [a.shape, len(layer.weights), layer.count_params()]
""",
    "keras dense options": BATCH + """
layer = tf.keras.layers.Dense(3, use_bias=False, kernel_regularizer=tf.keras.regularizers.l2(0.1), activation=tf.nn.softplus, input_shape=(3,))
y = layer(x)
results = [y, layer.losses[0]] + tf.gradients(tf.reduce_sum(y) + layer.losses[0], layer.weights)
""",
    "keras sequential convolution": IMAGES + """
model = tf.keras.Sequential([tf.keras.layers.Conv2D(3, 3, strides=(1, 1), padding='same', activation='relu', input_shape=(6, 6, 2)),
                             tf.keras.layers.MaxPooling2D(), tf.keras.layers.Flatten(), tf.keras.layers.Dense(4), tf.keras.layers.Activation('softmax')])
y = model(img)
results = [y] + tf.gradients(tf.reduce_sum(tf.square(y)), [img] + model.trainable_weights)
notes = [y.shape, len(model.layers), [w.shape.as_list() for w in model.weights]]
""",
    "keras functional model": BATCH + """
given = tf.keras.layers.Input(shape=(3,))
hidden = tf.keras.layers.Dense(4, activation='relu')(given)
out = tf.keras.layers.Dense(1)(hidden)
model = tf.keras.models.Model(inputs=given, outputs=out)
y = model(x)
results = [y] + tf.gradients(y, [x] + model.trainable_variables)
notes = [given.shape, out.shape, y.shape]
""",
    "keras layer of a program": BATCH + """
class Scale(tf.keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(name='kernel', shape=(int(input_shape[-1]), self.units), initializer='zeros')
        self.shift = self.add_weight(name='shift', shape=[self.units], initializer='ones', trainable=False)
        super().build(input_shape)

    def call(self, inputs):
        return tf.matmul(inputs, self.kernel) + self.shift

layer = Scale(2)
y = layer(x)
results = [y] + tf.gradients(tf.reduce_sum(tf.exp(y)), layer.trainable_weights)
notes = [len(layer.weights), len(layer.trainable_weights), len(layer.non_trainable_weights)]
""",
    "keras subclassed model": BATCH + """
class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.first = tf.keras.layers.Dense(3, activation='sigmoid')
        self.second = tf.keras.layers.Dense(1)

    def call(self, inputs):
        return self.second(self.first(inputs))

net = Net()
y = net(x)
results = [y] + tf.gradients(tf.reduce_sum(y), net.trainable_variables)
notes = [len(net.trainable_variables)]
""",
    "keras batch normalization": BATCH + """
layer = tf.keras.layers.BatchNormalization(momentum=0.9, epsilon=0.01)
trained, used = layer(x, training=True), layer(x, training=False)
results = [trained, used] + tf.gradients(tf.reduce_sum(tf.sin(trained)), [x] + layer.trainable_weights) + tf.gradients(tf.reduce_sum(tf.sin(used)), [x])
notes = [len(layer.weights), len(layer.trainable_weights)]
""",
    "keras pooling and shaping": IMAGES + """
L = tf.keras.layers
results = [L.AveragePooling2D((2, 3), strides=2)(img), L.GlobalAveragePooling2D()(img), L.Reshape((12, 6))(img), L.Lambda(lambda t: t * 3.0)(img[0]),
           L.MaxPooling2D(pool_size=3, strides=1, padding='same')(img)]
notes = [r.shape for r in results]
""",
    "keras transposed convolution": IMAGES + """
layer = tf.keras.layers.Conv2DTranspose(2, 3, strides=2, padding='same')
y = layer(img)
results = [y] + tf.gradients(tf.reduce_sum(tf.sin(y)), [img] + layer.trainable_weights)
notes = [y.shape]
""",
    "keras activations as layers": BATCH + """
L = tf.keras.layers
ys = [L.LeakyReLU()(x), L.LeakyReLU(0.1)(x), L.ELU()(x), L.ReLU()(x), L.Softmax()(x)]
ys += [L.Activation(name)(x) for name in ('relu', 'tanh', 'sigmoid', 'softplus', 'softsign', 'elu', 'selu', 'linear', 'exponential')]
results = ys + [g for y in ys for g in tf.gradients(tf.reduce_sum(tf.square(y)), x)]
""",
    "keras embedding": """
layer = tf.keras.layers.Embedding(5, 3)
y = layer(tf.constant([[1, 4], [1, 0]]))
g = tf.convert_to_tensor(tf.gradients(tf.reduce_sum(tf.sin(y)), layer.weights[0])[0])
results = [y, g]
""",
    "keras dropout in use": BATCH + "results = [tf.keras.layers.Dropout(0.5)(x, training=False), tf.layers.Dropout(0.5)(x, training=False)]\n",
    "keras concatenate and add": BATCH + "results = [tf.keras.layers.concatenate([x, x * 2.0]), tf.keras.layers.add([x, x, x])]\n",
    "tf.layers objects": BATCH + """
layer = tf.layers.Dense(3, activation=tf.nn.relu, name='shared')
a, b = layer(x), layer.apply(x + 1.0)
results = [a, b] + tf.gradients(tf.reduce_sum(a) + tf.reduce_sum(b), layer.trainable_weights)
""",
    # --------------------------------------------------------------------------------------------------------------- backend
    "backend reductions": BATCH + """
K = tf.keras.backend
results = [K.sum(x), K.sum(x, axis=1), K.mean(x, axis=0, keepdims=True), K.max(x, axis=-1), K.min(x), K.prod(x, axis=1), K.var(x, axis=1), K.std(x),
           K.any(K.greater(x, 0.9), axis=1), K.all(K.less(x, 2.0)), K.argmax(x), K.argmin(x, axis=0), K.cumsum(x, axis=1)]
""",
    "backend elementwise": BATCH + """
K = tf.keras.backend
results = [K.abs(x), K.square(x), K.sqrt(K.abs(x)), K.exp(x), K.log(K.abs(x)), K.pow(x, 2.0), K.sign(x), K.round(x * 3.0), K.clip(x, -0.5, 0.5),
           K.maximum(x, 0.1), K.minimum(x, 0.1), K.relu(x), K.sigmoid(x), K.softplus(x), K.softsign(x), K.tanh(x), K.softmax(x), K.elu(x),
           K.l2_normalize(x, axis=1), K.equal(x, x), K.not_equal(x, x), K.greater_equal(x, 0.0), K.less_equal(x, 0.0), K.cast(x > 0, 'float32')]
""",
    "backend shapes": BATCH + """
K = tf.keras.backend
results = [K.reshape(x, (2, 6)), K.transpose(x), K.permute_dimensions(K.expand_dims(x, 0), (2, 0, 1)), K.squeeze(K.expand_dims(x, 1), 1),
           K.stack([x, x], axis=1), K.tile(x, [1, 2]), K.concatenate([x, x]), K.batch_flatten(K.reshape(x, (2, 2, 3))), K.flatten(x), K.zeros_like(x),
           K.ones_like(x), K.one_hot(K.constant([0, 2], dtype='int32'), 3), K.dot(x, K.transpose(x)), K.gather(x, [2, 0]), K.reverse(x, 1)]
notes = [K.int_shape(x), K.ndim(x), K.epsilon(), K.floatx(), K.image_data_format()]
""",
    "backend dot of many axes": """
K = tf.keras.backend
a = tf.constant(np.cos(np.arange(12.)).reshape(2, 3, 2), tf.float32)
b = tf.constant(np.sin(np.arange(8.)).reshape(2, 4), tf.float32)
y = K.dot(a, b)
results = [y] + K.gradients(K.sum(K.square(y)), [a, b])
""",
    "backend losses": """
K = tf.keras.backend
p = tf.constant([[0.2, 0.5, 0.3], [0.7, 0.2, 0.1]])
t = tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
z = tf.constant([[1.0, -2.0, 0.5], [0.1, 0.2, 3.0]])
losses = [K.binary_crossentropy(t, p), K.binary_crossentropy(t, z, from_logits=True), K.categorical_crossentropy(t, p),
          K.categorical_crossentropy(t, z, from_logits=True), K.sparse_categorical_crossentropy(tf.constant([1, 0]), p),
          K.sparse_categorical_crossentropy(tf.constant([1, 0]), z, from_logits=True)]
results = losses + [K.gradients(K.sum(l), p if i % 2 == 0 else z)[0] for i, l in enumerate(losses)]
""",
    "backend switch": BATCH + "K = tf.keras.backend\nresults = [K.switch(x > 0, x, -x), K.switch(tf.constant(True), lambda: x, lambda: -x)]\n",
    "keras losses": """
L = tf.keras.losses
p = tf.constant([[0.2, 0.5, 0.3], [0.7, 0.2, 0.1]])
t = tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
z = tf.constant([[1.0, -2.0, 0.5], [0.1, 0.2, 3.0]])
losses = [L.mean_squared_error(t, p), L.mean_absolute_error(t, p), L.binary_crossentropy(t, p), L.categorical_crossentropy(t, p), L.MeanSquaredError()(t, p),
          L.MeanAbsoluteError()(t, p), L.BinaryCrossentropy()(t, p), L.CategoricalCrossentropy()(t, p)]
results = losses + [tf.gradients(tf.reduce_sum(l), p)[0] for l in losses]
results += [L.CategoricalCrossentropy(from_logits=True)(t, z), L.SparseCategoricalCrossentropy(from_logits=True)(tf.constant([1, 0]), z),
            L.BinaryCrossentropy(from_logits=True)(t, z)]
""",
    # --------------------------------------------------------------------------------------------------------- distributions
    "normal distribution": """
loc, scale, x = tf.constant([0.5, -1.0]), tf.constant([1.5, 0.7]), tf.constant([0.2, 0.3])
d = tf.distributions.Normal(loc, scale)
values = [d.log_prob(x), d.prob(x), d.cdf(x), d.entropy(), d.mean(), d.stddev(), d.variance()]
results = values + [d.sample(3)[:0]] + [g for v in values[:4] for g in tf.gradients(v, [loc, scale, x]) if g is not None]
notes = [d.sample(3).shape, d.sample([2, 4]).shape]
""",
    "divergences": """
p, q = tf.distributions.Normal(0.5, 1.5), tf.distributions.Normal(tf.constant([0.1, -2.0]), 0.8)
a, b = tf.distributions.Bernoulli(probs=[0.3, 0.6]), tf.distributions.Bernoulli(logits=[0.5, -1.0])
c, e = tf.distributions.Categorical(probs=[0.2, 0.5, 0.3]), tf.distributions.Categorical(logits=[0.1, 0.2, 0.9])
results = [tf.distributions.kl_divergence(p, q), p.kl_divergence(q), tf.distributions.kl_divergence(a, b), tf.distributions.kl_divergence(c, e)]
""",
    "laplace and uniform": """
loc = tf.constant([0.5, -1.0])
d, u = tf.distributions.Laplace(loc, 2.0), tf.distributions.Uniform(-1.0, tf.constant([2.0, 0.5]))
x = tf.constant([0.2, 0.7])
results = [d.log_prob(x), d.prob(x), d.entropy(), d.mean(), d.variance(), u.prob(x), u.log_prob(tf.constant([0.2, 0.3]))]
results += tf.gradients(d.log_prob(x), [loc, x])
""",
    "bernoulli and categorical": """
logits = tf.constant([0.5, -1.0, 2.0])
d = tf.distributions.Bernoulli(logits=logits)
x = tf.constant([1.0, 0.0, 1.0])
c = tf.distributions.Categorical(logits=tf.constant([[0.1, 0.2, 0.9], [1.0, -1.0, 0.0]]))
k = tf.constant([2, 0])
results = [d.log_prob(x), d.prob(x), d.entropy(), d.mean(), d.variance(), c.log_prob(k), c.prob(k), c.entropy(), c.mode()]
results += tf.gradients(d.log_prob(x), logits) + tf.gradients(d.entropy(), logits) + tf.gradients(c.log_prob(k), c.logits) + tf.gradients(c.entropy(), c.logits)
""",
    # ------------------------------------------------------------------------------------------------------------- data sets
    "batches that repeat": """
features, labels = np.arange(10.).reshape(5, 2).astype('float32'), np.arange(5)
data = tf.data.Dataset.from_tensor_slices((features, labels)).repeat(2).batch(3)
results = data.make_one_shot_iterator().get_next()
runs = 4
notes = [data.output_types, data.output_shapes, results[0].shape]
""",
    "mapped, filtered, skipped": """
data = tf.data.Dataset.range(10).map(lambda n: tf.cast(n * n, tf.float32)).filter(lambda v: v > 3.0).skip(1).take(4)
n = data.make_one_shot_iterator().get_next()
results = [n, tf.sqrt(n)]
runs = 3
""",
    "datasets side by side": """
a, b = tf.data.Dataset.range(3), tf.data.Dataset.from_tensor_slices({'u': np.ones((3, 2), 'float32'), 'v': np.arange(3)})
results = tf.data.Dataset.zip((a, b)).make_one_shot_iterator().get_next()
runs = 2
""",
    "an iterator that is started": """
data = tf.data.Dataset.from_tensor_slices(np.arange(6.)).batch(4, drop_remainder=True)
iterator = data.make_initializable_iterator()
first, results = iterator.initializer, iterator.get_next()
notes = [results.shape, data.output_shapes]
""",
    "an iterator for several datasets": """
one = tf.data.Dataset.from_tensor_slices(np.arange(6.)).batch(2)
two = tf.data.Dataset.from_tensor_slices(-np.arange(6.)).batch(3)
iterator = tf.data.Iterator.from_structure(one.output_types, one.output_shapes)
first, results = [iterator.make_initializer(two)], iterator.get_next()
runs = 2
notes = [results.shape]
""",
    "a loss over a dataset": """
data = tf.data.Dataset.from_tensor_slices(np.arange(8.).reshape(4, 2).astype('float32')).batch(2).repeat()
x = data.make_one_shot_iterator().get_next()
w = tf.get_variable('w', [x.shape[1], 1])
results = tf.gradients(tf.reduce_mean(tf.square(tf.matmul(x, w))), w)
runs = 3
""",
    "a dataset of what is fed": """
x, y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None])
rows = tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: (a * 2.0, b)).batch(2)
iterator = rows.make_initializable_iterator()
given = {x: np.arange(6.).reshape(3, 2), y: [1.0, 2.0, 3.0]}
results = iterator.get_next()
with tf.Session() as s:
    s.run(iterator.initializer, given)
    once = [np.asarray(part).tolist() for part in s.run(results)]
first, results, notes = tf.no_op(), [tf.constant(0.0)], [once, results[0].shape]
""",
    # -------------------------------------------------------------------------------------------------- loops that write rows
    "rows written in a loop": """
x, w = tf.constant(np.cos(np.arange(8.)).reshape(4, 2), tf.float32), tf.get_variable('w', [2, 2])
def body(t, h, rows):
    h = tf.tanh(tf.matmul(h, w) + x[t][None, :])
    return t + 1, h, rows.write(t, h[0])
_, last, rows = tf.while_loop(lambda t, *_: t < 4, body, (0, tf.zeros([1, 2]), tf.TensorArray(tf.float32, size=4, clear_after_read=False)))
y = rows.stack()
results = [y, last, rows.size(), rows.read(2)] + tf.gradients(tf.reduce_sum(tf.sin(y)), [x, w])
""",
    "rows read in a loop": """
x = tf.constant(np.cos(np.arange(6.)).reshape(3, 2), tf.float32)
given = tf.TensorArray(tf.float32, size=3, clear_after_read=False).unstack(x)
found = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False)
_, found = tf.while_loop(lambda t, a: t < 3, lambda t, a: (t + 1, a.write(t, given.read(2 - t) ** 2)), [tf.constant(0), found])
results = [found.stack(), found.concat(), found.gather([2, 0])] + tf.gradients(found.gather([2, 0]), x)
""",
    "a template": """
def affine(x, size):
    w = tf.get_variable('w', [x.shape[1], size])
    return tf.matmul(x, w)
layer = tf.make_template('affine', affine, size=2)
x = tf.constant(np.cos(np.arange(6.)).reshape(3, 2), tf.float32)
y = layer(layer(x))
other = tf.make_template('affine', affine)
results = [y, other(x, 3)] + tf.gradients(y, [x] + tf.trainable_variables()[:1])
""",
    "masks and drops whose sizes a run tells": """
x, lengths, keep = tf.placeholder(tf.float32, [2, None, 3]), tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32)
mask = tf.sequence_mask(lengths, tf.shape(x)[1], dtype=tf.float32)
kept = tf.nn.dropout(x, keep)
results = [mask, kept * mask[:, :, None]]
feed = {x: np.arange(24.).reshape(2, 4, 3), lengths: [1, 3], keep: 1.0}
notes = [kept.shape, mask.shape]
""",
    "rows of a tensor that is computed": """
w, ids = tf.get_variable('w', [4, 2]), tf.constant([1, 1, 3])
h = tf.tanh(w)
g = tf.gradients(tf.square(tf.gather(h, ids)), h)[0]
results = [g.values, g.indices, tf.convert_to_tensor(g)]
notes = [isinstance(g, tf.IndexedSlices), isinstance(tf.gradients(tf.gather(h, ids), w)[0], tf.IndexedSlices)]
""",
    "tf.layers.conv1d": SERIES + """
y = tf.layers.conv1d(seq, 3, 2, padding='same', activation=tf.tanh, name='one')
z = tf.layers.conv1d(y, 2, 3, strides=2, use_bias=False)
results = [y, z] + tf.gradients(tf.reduce_sum(tf.sin(z)), [seq] + tf.trainable_variables())
notes = [y.shape, z.shape]
""",
    "the state of a cell is fed": SERIES + """
cell = tf.nn.rnn_cell.BasicLSTMCell(2)
start = cell.zero_state(3, tf.float32)
out, state = tf.nn.dynamic_rnn(cell, seq, initial_state=start)
results = [out, state.c]
feed = {start: (np.full((3, 2), 0.5), np.full((3, 2), -0.25))}
""",
    # ------------------------------------------------------------------------------------------------------- recurrent cells
    **{f"{name} over sequences with lengths": SERIES + f"""
out, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.{cell}, seq, sequence_length=lengths, dtype=tf.float32)
results = with_gradients(out, {state})
""" for name, cell, state in (("plain", "BasicRNNCell(3)", "state"), ("GRU", "GRUCell(3)", "state"), ("basic LSTM", "BasicLSTMCell(3)", "state.c, state.h"),
                              ("LSTM", "LSTMCell(3, use_peepholes=True, forget_bias=0.5)", "*state"),
                              ("projected LSTM", "LSTMCell(4, num_proj=2, cell_clip=0.4)", "*state"))},
    "recurrent without lengths": SERIES + """
cell = tf.nn.rnn_cell.BasicRNNCell(3, activation=tf.nn.relu)
out, state = tf.nn.dynamic_rnn(cell, seq, initial_state=tf.ones([3, 3]))
results = with_gradients(out, state)
notes = [out.shape, state.shape, cell.state_size, cell.output_size]
""",
    "time first": SERIES + """
out, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(2), tf.transpose(seq, [1, 0, 2]), sequence_length=lengths, time_major=True, dtype=tf.float32)
results = with_gradients(out, state)
""",
    "both directions": SERIES + """
f, b = tf.nn.rnn_cell.BasicRNNCell(2), tf.nn.rnn_cell.GRUCell(3)
(one, two), (s, t) = tf.nn.bidirectional_dynamic_rnn(f, b, seq, sequence_length=lengths, dtype=tf.float32)
results = with_gradients(one, two, s, t)
""",
    "both directions without lengths": SERIES + """
f, b = tf.nn.rnn_cell.BasicLSTMCell(2), tf.nn.rnn_cell.BasicLSTMCell(2)
out, states = tf.nn.bidirectional_dynamic_rnn(f, b, seq, dtype=tf.float32)
results = with_gradients(tf.concat(out, 2), states[0].c, states[1].h)
""",
    "stacked cells": SERIES + """
cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(3), tf.nn.rnn_cell.GRUCell(2)])
out, state = tf.nn.dynamic_rnn(cell, seq, sequence_length=lengths, dtype=tf.float32)
results = with_gradients(out, state[0].c, state[1])
""",
    "unrolled": SERIES + """
outs, state = tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(3), tf.unstack(seq, axis=1), dtype=tf.float32, sequence_length=lengths)
results = with_gradients(*outs, state)
""",
    "unrolled in both directions": SERIES + """
outs, s, t = tf.nn.static_bidirectional_rnn(tf.nn.rnn_cell.BasicRNNCell(2), tf.nn.rnn_cell.BasicRNNCell(2), tf.unstack(seq, axis=1), dtype=tf.float32)
results = with_gradients(*outs, s, t)
""",
    "cells by hand": SERIES + """
cell = tf.nn.rnn_cell.LSTMCell(2)
state = cell.zero_state(3, tf.float32)
with tf.variable_scope('loop'):
    for step in range(3):
        if step > 0:
            tf.get_variable_scope().reuse_variables()
        out, state = cell(seq[:, step], state)
results = with_gradients(out, *state)
""",
    "residual and dropout of nothing": SERIES + """
C = tf.nn.rnn_cell
cell = C.DropoutWrapper(C.ResidualWrapper(C.BasicRNNCell(2)), input_keep_prob=1.0, output_keep_prob=1.0)
out, state = tf.nn.dynamic_rnn(cell, seq, sequence_length=lengths, dtype=tf.float32)
results = with_gradients(out, state)
""",
    "residual stack": SERIES + """
C = tf.nn.rnn_cell
cell = C.MultiRNNCell([C.ResidualWrapper(C.GRUCell(2)), C.ResidualWrapper(C.BasicLSTMCell(2))])
out, state = tf.nn.dynamic_rnn(cell, seq, dtype=tf.float32)
results = with_gradients(out, state[0], *state[1])
""",
    # ---------------------------------------------------------------------------------------------------------------- shapes
    "a dimension as a size": """
x = tf.placeholder(tf.float32, [None, 4])
n = x.shape[1]
w = tf.get_variable('w', [x.shape[1], 3])
v = tf.Variable(tf.zeros([n, 2]))
u = tf.get_variable('u', shape=(n, n), initializer=tf.zeros_initializer())
y = tf.matmul(x, w)
results = [y, tf.ones([n]), tf.fill([n, 2], 0.5), tf.reshape(x, [-1, n, 1]), tf.tile(x, [1, n]), tf.slice(x, [0, 1], [-1, n - 1]), tf.range(n),
           tf.one_hot([1], n), tf.cast(n, tf.float32), x[:, :n // 2], tf.layers.dense(x, n, use_bias=False), tf.gradients(y, w)[0]]
feed = {x: np.arange(8.).reshape(2, 4)}
notes = [n, repr(n), n == 4, n != 4, n * 2, 2 * n, n + 1, n - 1, 10 - n, n // 3, 10 // n, n % 3, n > 3, int(n), x.shape[0] == 4, w.shape, y.shape, v.shape]
""",
    "what is known of shapes": """
x, seq = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [None, None, 5])
k, idx = tf.placeholder(tf.int32, []), tf.placeholder(tf.int32, [None])
ts = [x[:k], x[k], x[:, :k], seq[:, k], seq[:, 0:tf.shape(x)[0], :], tf.slice(x, [0, k], [-1, 2]), tf.tile(x, [k, 2]), tf.eye(k), tf.one_hot(idx, k),
      tf.transpose(seq, tf.concat([[1, 0], tf.range(2, tf.rank(seq))], 0)), tf.pad(x, [[0, k], [0, 2]]), tf.scatter_nd(tf.expand_dims(idx, 1), x, [k, 4]),
      tf.unsorted_segment_sum(x, idx, k), tf.reshape(seq, tf.concat([tf.shape(seq)[:-1], [5, 1]], 0)), tf.ensure_shape(x, [2, None])]
results = ts[:2] + ts[6:9] + ts[10:13] + ts[14:]
feed = {x: np.arange(8.).reshape(2, 4), k: 1, idx: [0, 0]}
notes = [t.shape for t in ts]
""",
    "sizes that a run tells": """
x, k = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int32, [])
n = tf.shape(x)[0]
y = [tf.eye(n), tf.matmul(x, x, transpose_b=True) + 0.5 * tf.eye(n), tf.pad(x, [[k, 0], [0, k]]), tf.one_hot([0, 2], n + 1, 2.0, -1.0),
     tf.unsorted_segment_sum(x, tf.constant([1, -1, 1]), k), tf.scatter_nd([[1], [1], [0]], x, tf.stack([k, 2]))]
results = y + [g for t in y for g in tf.gradients(tf.reduce_sum(tf.sin(t)), x) if g is not None]
feed = {x: np.arange(6.).reshape(3, 2), k: 2}
""",
    # ---------------------------------------------------------------------------------------------------------------- others
    "partition and stitch": """
x = tf.constant(np.cos(np.arange(8.)).reshape(4, 2), tf.float32)
a, b = tf.dynamic_partition(x, [0, 1, 1, 0], 2)
y = tf.dynamic_stitch([[3, 0], [1, 3]], [a, b])
results = [a, b, y] + tf.gradients(tf.reduce_sum(tf.exp(y)), x)
notes = [a.shape, y.shape]
""",
    "image patches": IMAGES + """
y = tf.extract_image_patches(img, ksizes=[1, 3, 2, 1], strides=[1, 2, 1, 1], rates=[1, 1, 2, 1], padding='SAME')
results = [y] + tf.gradients(tf.reduce_sum(tf.square(y)), img)
notes = [y.shape]
""",
    "a tape": """
x, w = tf.constant([1.0, 2.0]), tf.get_variable('w', [2], use_resource=True)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    y = tf.reduce_sum(x * x * w)
    z = y * y
late = y * 3.0
results = [tape.gradient(z, x), tape.gradient(z, w)] + tape.gradient(y, [x, w]) + [tape.gradient(y, x, output_gradients=2.0)]
other = tf.constant(2.0)
with tf.GradientTape() as unwatched:
    out = other * other
notes = [tape.gradient(late, x), unwatched.gradient(out, other)]
""",
    "a tape in a tape": """
x = tf.constant(3.0)
with tf.GradientTape() as outer:
    outer.watch(x)
    with tf.GradientTape() as inner:
        inner.watch(x)
        y = x * x * x
    first = inner.gradient(y, x)
results = [first, outer.gradient(first, x)]
""",
    "a sparse matrix": """
values, b = tf.constant([1.0, 2.0, 3.0]), tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
s = tf.SparseTensor([[0, 2], [1, 0], [1, 1]], values, [2, 3])
y = tf.sparse_tensor_dense_matmul(s, b)
z = tf.sparse_tensor_dense_matmul(s, tf.ones([2, 2]), adjoint_a=True)
results = [y, z, tf.sparse_tensor_to_dense(s), tf.sparse.to_dense(tf.sparse_transpose(s)), tf.sparse_reduce_sum(s, 1)]
results += tf.gradients(tf.reduce_sum(tf.sin(y)), [values, b])
notes = [s.shape, y.shape, s.dtype.name]
""",
    "sampled losses": """
w = tf.get_variable('w', [6, 3])
b = tf.get_variable('b', [6])
x = tf.constant(np.cos(np.arange(6.)).reshape(2, 3), tf.float32)
drawn = (tf.constant([4, 1, 5], tf.int64), tf.constant([[0.4], [0.3]]), tf.constant([0.2, 0.5, 0.1]))
labels = tf.constant([[1], [2]], tf.int64)
one = tf.nn.sampled_softmax_loss(w, b, labels, x, 3, 6, sampled_values=drawn)
two = tf.nn.nce_loss(w, b, labels, x, 3, 6, sampled_values=drawn)
grads = [tf.convert_to_tensor(g) for y in (one, two) for g in tf.gradients(y, [w, b, x])]
results = [one, two] + grads
""",
}


def namespace() -> Any:
    space: dict[str, Any] = {}
    exec(MEASURE, space)
    return space["measure"]


EXPECTED: dict[str, Any] = json.loads(NUMBERS.read_text("utf-8")) if NUMBERS.exists() else {}


def same(found: Any, expected: Any) -> None:
    assert len(found["values"]) == len(expected["values"])
    for number, ((kind, shape, values), (wanted_kind, wanted_shape, wanted)) in enumerate(zip(found["values"], expected["values"], strict=True)):
        assert (kind, shape) == (wanted_kind, wanted_shape), number
        np.testing.assert_allclose(values, wanted, rtol=2e-5, atol=2e-6, err_msg=f"value {number}")
    assert found["notes"] == expected["notes"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_the_numbers_of_tensorflow(name: str) -> None:
    same(namespace()(modules()["tensorflow"], np, PROGRAMS[name]), EXPECTED[name])


def test_numbers_are_those_of_the_programs() -> None:
    assert set(EXPECTED) == set(PROGRAMS)


RECORD = MEASURE + '''
import json, sys
import numpy as np
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
found = {}
for name, text in json.load(sys.stdin).items():
    try:
        found[name] = measure(tf, np, text)
    except Exception as error:
        found[name] = {"error": f"{type(error).__name__}: {error}"}
print(json.dumps(found))
'''


@pytest.mark.native
def test_numbers_are_those_of_the_real_framework() -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "1", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    done = subprocess.run([os.environ.get("MAPPER_NATIVE_PYTHON") or sys.executable, "-W", "ignore", "-c", RECORD], input=json.dumps(PROGRAMS),
                          env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    measured = json.loads(done.stdout.splitlines()[-1])
    assert {name: entry["error"] for name, entry in measured.items() if "error" in entry} == {}
    if os.environ.get("MAPPER_UPDATE_NUMBERS"):
        rows = (f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}" for name, entry in measured.items())
        NUMBERS.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")
        return
    for name, entry in measured.items():
        same(entry, EXPECTED[name])
