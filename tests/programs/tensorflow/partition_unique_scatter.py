import tensorflow as tf
import numpy as np

np.random.seed(5)
# mixture of experts by hard routing, unique ids, scatter and friends
x = tf.placeholder(tf.float32, [None, 3])
route = tf.placeholder(tf.int32, [None])
ids = tf.placeholder(tf.int32, [6])
experts = [tf.Variable(np.random.randn(3, 2).astype('float32') * .5, name='expert_%d' % k) for k in range(3)]
parts = tf.dynamic_partition(x, route, 3)
where = tf.dynamic_partition(tf.range(tf.shape(x)[0]), route, 3)
outs = [tf.tanh(tf.matmul(p, w)) for p, w in zip(parts, experts)]
merged = tf.dynamic_stitch(where, outs)
loss = tf.reduce_sum(tf.square(merged) * tf.constant([1.0, 0.5]))
gx, *gw = tf.gradients(loss, [x] + experts)

table = tf.Variable(np.random.randn(5, 2).astype('float32'), name='table')
uniq, idx = tf.unique(ids)
rows = tf.nn.embedding_lookup(table, uniq)
restored = tf.gather(rows, idx)
emb_loss = tf.reduce_mean(tf.reduce_prod(restored, axis=1))
g_rows = tf.gradients(emb_loss, rows)[0]
g_table = tf.gradients(emb_loss, table)[0]
counts = tf.unsorted_segment_sum(tf.ones_like(ids), ids, 5)
means = tf.segment_mean(restored, tf.constant([0, 0, 1, 1, 1, 2]))
g_means = tf.gradients(means, rows, grad_ys=[tf.constant([[1., 2.], [3., 4.], [5., 6.]])])[0]
maxes = tf.segment_max(restored, tf.constant([0, 0, 1, 1, 1, 2]))
g_max = tf.gradients(maxes, rows)[0]

mask = tf.greater(x[:, 0], 0.)
kept = tf.boolean_mask(x, mask)
g_kept = tf.gradients(tf.reduce_sum(kept ** 3), x)[0]
positions = tf.where(mask)
nz = tf.count_nonzero(x > 0.5, axis=0)
scattered = tf.scatter_nd(positions, tf.reduce_sum(kept, axis=1), tf.cast(tf.shape(x)[:1], tf.int64))
g_scat = tf.gradients(tf.reduce_sum(scattered ** 2), x)[0]
best, best_i = tf.nn.top_k(x, k=2)
g_best = tf.gradients(best[:, 1], x)[0]
order = tf.argsort(x[:, 1])
rolled = tf.roll(x, shift=1, axis=0)
g_roll = tf.gradients(tf.reduce_sum(rolled * x), x)[0]
rev = tf.reverse_sequence(x, tf.fill([tf.shape(x)[0]], 2), seq_axis=1, batch_axis=0)
g_rev = tf.gradients(rev[:, 0] * rev[:, 2], x)[0]
prods = tf.cumprod(x, axis=1, exclusive=True)
g_prods = tf.gradients(prods, x)[0]
sums = tf.cumsum(x, axis=1, reverse=True)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    fd = {x: np.random.randn(5, 3), route: [0, 2, 1, 0, 2], ids: [3, 1, 3, 0, 1, 4]}
    print('loss', sess.run(loss, fd))
    print('gx', sess.run(gx, fd))
    for w in sess.run(gw, fd):
        print('gw', w)
    print('unique', sess.run([uniq, idx], fd), 'counts', sess.run(counts, fd))
    print('rows', sess.run(g_rows, fd))
    print('table', sess.run(tf.convert_to_tensor(g_table), fd))
    print('means', sess.run(g_means, fd), sess.run(g_max, fd))
    print('kept', sess.run(g_kept, fd), sess.run(positions, fd).ravel(), sess.run(nz, fd))
    print('scattered', sess.run(scattered, fd), sess.run(g_scat, fd))
    print('best', sess.run([best_i, g_best], fd))
    print('order', sess.run(order, fd))
    print('roll', sess.run(g_roll, fd))
    print('rev', sess.run(g_rev, fd))
    print('cumprod', sess.run([prods, g_prods, sums], fd))
