import numpy as np
import tensorflow.compat.v1 as tf
tf.disable_eager_execution()

# Lagrangian network: accelerations from the Euler-Lagrange equations
DOF = 2


def lagrangian_fn(q, qdot, params):
    W1, b1, W2, b2 = params
    h = tf.concat([q, qdot], axis=-1)
    h = tf.nn.softplus(tf.matmul(tf.expand_dims(h, 0), W1) + b1)
    return tf.squeeze(tf.matmul(h, W2) + b2)


def acceleration(q, qdot, params):
    L = lagrangian_fn(q, qdot, params) + 0.5 * tf.reduce_sum(qdot ** 2)
    dL_dqdot = tf.gradients(L, qdot)[0]
    dL_dq = tf.gradients(L, q)[0]
    M = tf.stack([tf.gradients(dL_dqdot[i], qdot)[0] for i in range(DOF)])
    C = tf.stack([tf.gradients(dL_dqdot[i], q)[0] for i in range(DOF)])
    rhs = dL_dq - tf.linalg.matvec(C, qdot)
    return tf.squeeze(tf.linalg.solve(M, tf.expand_dims(rhs, -1)), -1)


r = np.random.RandomState(4)
params = [tf.Variable(r.normal(scale=0.4, size=s).astype(np.float32)) for s in [(2 * DOF, 8), (8,), (8, 1), (1,)]]
q_ph = tf.placeholder(tf.float32, [DOF], 'q')
v_ph = tf.placeholder(tf.float32, [DOF], 'v')
target = tf.placeholder(tf.float32, [DOF])
acc = acceleration(q_ph, v_ph, params)
loss = tf.reduce_sum(tf.square(acc - target))
grads = tf.gradients(loss, params)
train = [tf.assign(p, p - 0.02 * g) for p, g in zip(params, grads) if g is not None]
sess = tf.Session()
sess.run(tf.global_variables_initializer())
q, v = np.array([0.3, -0.2]), np.array([0.1, 0.5])
for t in range(4):
    a = sess.run(acc, feed_dict={q_ph: q, v_ph: v})
    feed = {q_ph: q, v_ph: v, target: -q}
    print(t, a, sess.run(loss, feed))
    sess.run(train, feed)
    v = v + 0.1 * a
    q = q + 0.1 * v
print([g is None for g in grads])
print('norms', [float(np.linalg.norm(sess.run(p))) for p in params])
