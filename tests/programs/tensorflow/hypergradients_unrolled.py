# Hypergradients: differentiate through an unrolled inner optimisation
import numpy as np
import tensorflow as tf

rs = np.random.RandomState(0)
Xtr, Xval = rs.randn(10, 4).astype(np.float32), rs.randn(8, 4).astype(np.float32)
true_w = np.array([[1.], [-2.], [0.5], [0.]], np.float32)
ytr, yval = Xtr.dot(true_w) + 0.3 * rs.randn(10, 1).astype(np.float32), Xval.dot(true_w)

log_lambda = tf.get_variable("log_lambda", shape=[4, 1], initializer=tf.constant_initializer(-2.0))
log_lr = tf.get_variable("log_lr", shape=[], initializer=tf.constant_initializer(-3.0))
momentum = 0.5


def inner_loss(w):
    resid = tf.matmul(tf.constant(Xtr), w) - ytr
    return 0.5 * tf.reduce_mean(tf.square(resid)) + 0.5 * tf.reduce_sum(tf.exp(log_lambda) * w * w)


def unroll(T):
    w = tf.zeros([4, 1])
    velocity = tf.zeros_like(w)
    trace = []
    for t in range(T):
        loss = inner_loss(w)
        g = tf.gradients(loss, w)[0]
        velocity = momentum * velocity - tf.exp(log_lr) * g
        w = w + velocity
        trace.append(loss)
    return w, tf.stack(trace)


w_T, trace = unroll(5)
outer = tf.reduce_mean((tf.matmul(Xval, w_T) - yval) ** 2)
hyper = [log_lambda, log_lr]
hypergrads = tf.gradients(outer, hyper)
opt = tf.train.GradientDescentOptimizer(learning_rate=0.2)
step = opt.apply_gradients(zip(hypergrads, hyper))
mixed = tf.gradients(hypergrads[1], log_lr)[0]

with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    print("trace", s.run(trace))
    for it in range(4):
        val, (g1, g2) = s.run([outer, hypergrads])
        print(it, val, g1.ravel(), g2)
        s.run(step)
    print("curvature in log lr", s.run(mixed))
    print("lr", np.exp(s.run(log_lr)), "lambda", np.exp(s.run(log_lambda)).ravel())
