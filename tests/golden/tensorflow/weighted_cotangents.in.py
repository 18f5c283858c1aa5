import tensorflow as tf

x = tf.placeholder(tf.float32, [3])
w = tf.get_variable('w', initializer=[1.0, 2.0, 3.0])
scaled = x * w
total = tf.reduce_sum(scaled ** 2)
weights = tf.constant([1.0, 0.0, -1.0])
along, = tf.gradients(scaled, x, grad_ys=weights)
by_x, by_w = tf.gradients(total, [x, w])

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for value in ([1.0, 2.0, 3.0], [0.5, 0.5, 0.5]):
        print(sess.run(along, {x: value}), sess.run([by_x, by_w], {x: value}))
