# coding: utf-8
from __future__ import print_function
import numpy as np
import tensorflow as tf


def lazy(value):
    return tf.Variable(np.asarray(value, np.float32))


class ODE(object):
    """Neural ODE style rollout with a python loop, sensitivities by tf.gradients of each output."""
    def __init__(self, steps=4, h=0.2):
        self.theta = lazy([0.5, -1.0])
        self.y0 = tf.placeholder(tf.float32, shape=(2,), name='y0')
        ys = [self.y0]
        for k in range(steps):
            ys.append(self.rk4(ys[-1], h))
        self.ys = tf.stack(ys)
        self.final = ys[-1]
        self.jac = [tf.gradients(self.final[i], self.y0)[0] for i in range(2)]
        self.sens = tf.gradients(tf.reduce_sum(self.final ** 2), [self.theta, self.y0])

    def f(self, y):
        a, b = self.theta[0], self.theta[1]
        return tf.stack([y[1], a * tf.sin(y[0]) + b * y[1]])

    def rk4(self, y, h):
        k1 = self.f(y)
        k2 = self.f(y + 0.5 * h * k1)
        k3 = self.f(y + 0.5 * h * k2)
        k4 = self.f(y + h * k3)
        return y + h / 6.0 * (k1 + 2 * k2 + 2 * k3 + k4)


model = ODE()
sess = tf.Session()
sess.run(tf.global_variables_initializer())
for start in ([1.0, 0.0], [0.1, -0.4]):
    feed = {model.y0: start}
    print('path', sess.run(model.ys, feed))
    print('jacobian', np.array(sess.run(model.jac, feed)))
    dtheta, dy = sess.run(model.sens, feed)
    print('sens', dtheta, dy)
sess.close()
