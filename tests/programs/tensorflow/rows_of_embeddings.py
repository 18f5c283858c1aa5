import numpy as np
import tensorflow as tf
rs = np.random.RandomState(0)
start = rs.randn(6, 2).astype('f')
ids = tf.placeholder(tf.int32, [None])
opts = {'sgd': tf.train.GradientDescentOptimizer(0.1), 'momentum': tf.train.MomentumOptimizer(0.1, 0.9), 'nesterov': tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
        'adam': tf.train.AdamOptimizer(0.1), 'rmsprop': tf.train.RMSPropOptimizer(0.1, 0.9), 'adagrad': tf.train.AdagradOptimizer(0.1),
        'rmsmom': tf.train.RMSPropOptimizer(0.1, 0.9, momentum=0.5)}
steps, tables = {}, {}
for name in sorted(opts):
    table = tf.get_variable('table_' + name, initializer=start)
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids)))
    g = tf.gradients(loss, [table])
    steps[name] = opts[name].apply_gradients(zip(g, [table]))
    tables[name] = table
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for batch in ([0, 1, 1], [2, 1], [0, 0, 3]):
        for name in sorted(opts):
            sess.run(steps[name], {ids: batch})
    for name in sorted(opts):
        print(name, sess.run(tables[name]).ravel())
