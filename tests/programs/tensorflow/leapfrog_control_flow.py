import tensorflow as tf
import numpy as np
from collections import OrderedDict, namedtuple
State = namedtuple('State', ['pos', 'mom'])

def energy(q):
    return tf.reduce_sum(0.5 * q ** 2 + 0.1 * q ** 4)

def leapfrog(state, eps, n):
    def body(i, q, p):
        p = p - 0.5 * eps * tf.gradients(energy(q), q)[0]
        q = q + eps * p
        p = p - 0.5 * eps * tf.gradients(energy(q), q)[0]
        return [i + 1, q, p]
    _, q, p = tf.while_loop(lambda i, q, p: i < n, body, [tf.constant(0), state.pos, state.mom])
    return State(q, p)

q0 = tf.placeholder(tf.float32, [3]); p0 = tf.placeholder(tf.float32, [3])
out = leapfrog(State(q0, p0), 0.1, 5)
h0 = energy(q0) + 0.5 * tf.reduce_sum(p0 ** 2)
h1 = energy(out.pos) + 0.5 * tf.reduce_sum(tf.square(out.mom))
accept = tf.cond(h1 - h0 < 0.01, lambda: out.pos, lambda: q0)
counter = tf.Variable(0, trainable=False, dtype=tf.int32)
total = tf.Variable(tf.zeros([3]), trainable=False)
with tf.control_dependencies([counter.assign_add(1), total.assign_add(accept)]):
    mean = total / tf.cast(counter, tf.float32)
geo = tf.scan(lambda a, x: a * 0.5 + x, tf.stack([q0[0], q0[1], q0[2]]))
dgeo = tf.gradients(geo[-1], q0)[0]
fold = tf.foldl(lambda a, x: a + x * x, q0, initializer=tf.constant(0.0))
dfold = tf.gradients(fold, q0)[0]
which = tf.case([(q0[0] > 1.0, lambda: tf.reduce_sum(q0)), (q0[0] < -1.0, lambda: -tf.reduce_sum(q0 ** 2))], default=lambda: tf.reduce_prod(q0))
dwhich = tf.gradients(which, q0)
fetches = OrderedDict([('pos', out.pos), ('mom', out.mom), ('h', (h0, h1))])

@tf.custom_gradient
def soft_clip(x):
    y = tf.clip_by_value(x, -0.5, 0.5)
    def grad(dy):
        return dy * 0.3
    return y, grad
sc = tf.gradients(tf.reduce_sum(soft_clip(q0) * 2.), q0)[0]
sess = tf.InteractiveSession()
sess.run(tf.global_variables_initializer())
rs = np.random.RandomState(3)
for k in range(3):
    fd = {q0: rs.randn(3), p0: rs.randn(3)}
    r = sess.run(fetches, fd)
    print(k, r['pos'], r['mom'], r['h'][0], r['h'][1])
    print('mean', mean.eval(fd), counter.eval())
print(sess.run([geo, dgeo, fold, dfold], {q0: [1., 2., 3.]}))
for v in ([2., 1., 1.], [-2., 1., 1.], [0.5, 2., 3.]):
    print(sess.run([which] + dwhich, {q0: v}))
print(sc.eval({q0: [1., 0.2, -3.]}))
