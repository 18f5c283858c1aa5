import numpy as np
import tensorflow as tf

tf.set_random_seed(0)
rng = np.random.RandomState(5)
n_in, n_h, n_out = 4, 6, 3

def init_weights(shape, scale=0.4):
    return tf.Variable(scale * rng.randn(*shape), dtype=tf.float32)

def layer(x, w, b, act=None):
    z = tf.matmul(x, w) + b
    return act(z) if act is not None else z

X = tf.placeholder("float", [None, n_in])
Y = tf.placeholder(tf.int32, [None])
w1, b1 = init_weights([n_in, n_h]), init_weights([n_h], 0.1)
w2, b2 = init_weights([n_h, n_out]), init_weights([n_out], 0.1)
h = layer(X, w1, b1, tf.nn.relu)
logits = layer(h, w2, b2)
xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=Y, logits=logits)
cost = tf.reduce_mean(xent)
train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cost)
input_grad = tf.gradients(cost, X)[0]
saliency = tf.abs(input_grad)
adv = X + 0.1 * tf.sign(input_grad)
pred = tf.argmax(logits, 1)

with tf.Session() as sess:
    tf.global_variables_initializer().run()
    data = rng.randn(10, n_in)
    lab = rng.randint(0, n_out, 10)
    for i in range(5):
        train_step.run(feed_dict={X: data, Y: lab})
        print(i, cost.eval(feed_dict={X: data, Y: lab}))
    a = sess.run(adv, {X: data[:3], Y: lab[:3]})
    print(a)
    print('pred', sess.run(pred, {X: a}))
    print('saliency', saliency.eval({X: data[:2], Y: lab[:2]}))
    print('w2', w2.eval())
