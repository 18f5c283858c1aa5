import numpy as np
import tensorflow as tf

def potential(q):
    r = tf.sqrt(tf.reduce_sum(tf.square(q), axis=-1) + 0.1)
    return 0.5 * tf.reduce_sum(q ** 2, axis=-1) - 1.0 / r

def force(q):
    V = potential(q)
    dV, = tf.gradients(V, q)
    return -dV

def verlet(q, p, dt, steps):
    f = force(q)
    for _ in range(steps):
        p_half = p + 0.5 * dt * f
        q = q + dt * p_half
        f = force(q)
        p = p_half + 0.5 * dt * f
    return q, p

q0 = tf.placeholder(tf.float32, [None, 2], name='q0')
p0 = tf.placeholder(tf.float32, [None, 2], name='p0')
dt = 0.05
q1, p1 = verlet(q0, p0, dt, 3)
H0 = potential(q0) + 0.5 * tf.reduce_sum(p0 * p0, axis=-1)
H1 = potential(q1) + 0.5 * tf.reduce_sum(p1 * p1, axis=-1)
drift = H1 - H0
sens = tf.gradients(tf.reduce_sum(q1), q0)[0]

def main():
    rs = np.random.RandomState(0)
    q, p = rs.randn(3, 2), rs.randn(3, 2)
    with tf.Session() as sess:
        for i in range(3):
            d = sess.run(drift, {q0: q, p0: p})
            q, p = sess.run([q1, p1], feed_dict={q0: q, p0: p})
            print(i, d)
        print(q)
        print(sess.run(sens, {q0: q, p0: p}))

if __name__ == '__main__':
    main()
