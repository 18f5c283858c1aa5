import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [3])
w = tf.Variable([0.5, -0.25, 1.25])
h = tf.sin(x) * w
p = tf.nn.softmax(h)
g0 = tf.gradients(p[0], x)[0]
g1 = tf.gradients(tf.log(p[1]) + tf.reduce_sum(h), [x, w])
pen = tf.reduce_sum(tf.gradients(p[2], x)[0] ** 2)
gp = tf.gradients(pen + 0.1 * tf.reduce_sum(h ** 2), w)[0]
a = tf.constant([1.0, 2.0])
q = 3.0 * tf.gradients(tf.reduce_prod(a ** 2), a)[0] + 1.0
train = w.assign_sub(0.1 * gp)

class Net:
    def __init__(self, n):
        self.x = tf.placeholder(tf.float32, [None, n])
        self.w = tf.Variable(np.arange(n * 2.0).reshape(n, 2) / 7, dtype=tf.float32)
        self.out = tf.tanh(tf.matmul(self.x, self.w))
        self.saliency = tf.gradients(self.out[:, 0], self.x)[0]
        self.penalty = tf.reduce_mean(tf.square(tf.gradients(self.out[:, 1], self.x)[0]))
        self.grad_w = tf.gradients(self.penalty + tf.reduce_sum(self.out), self.w)[0]

net = Net(3)
with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    for _ in range(2):
        print(s.run([p, g0, pen, gp], {x: [0.1, 0.2, -0.3]}))
        print(s.run(g1, {x: [0.1, 0.2, -0.3]}))
        s.run(train, {x: [0.4, 0.2, -0.3]})
    print(s.run(q))
    m = np.linspace(-1, 1, 6).reshape(2, 3)
    print(s.run([net.saliency, net.penalty, net.grad_w], {net.x: m}))
