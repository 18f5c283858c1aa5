import collections
import numpy as np
import tensorflow as tf

State = collections.namedtuple('State', 'x v aux')


def physics(params, state, u):
    a = u - params['k'] * state.x - params['c'] * state.v
    v = state.v + 0.1 * a
    return State(x=state.x + 0.1 * v, v=v, aux={'energy': 0.5 * v ** 2 + 0.5 * params['k'] * state.x ** 2, 'n': state.aux['n'] + 1})


params = {'k': tf.Variable(1.5, name='k'), 'c': tf.Variable(0.2, name='c')}
x0 = tf.placeholder(tf.float32, [2], 'x0')
controls = tf.placeholder(tf.float32, [None, 2], 'controls')
start = State(x0, tf.zeros_like(x0), {'energy': tf.zeros_like(x0), 'n': tf.constant(0)})

# by while_loop over nested structures
_, end = tf.while_loop(lambda t, s: t < tf.shape(controls)[0],
                       lambda t, s: (t + 1, physics(params, s, controls[t])), (tf.constant(0), start))
# by scan over the controls
history = tf.scan(lambda s, u: physics(params, s, u), controls, initializer=start)
# by foldl
folded = tf.foldl(lambda acc, u: acc * 0.9 + tf.reduce_sum(u), controls, initializer=tf.constant(0.0))
# map_fn with several outputs
mapped = tf.map_fn(lambda e: (tf.reduce_sum(e[0] * params['k']), e[1] ** 2), (controls, tf.range(3, dtype=tf.float32)), dtype=(tf.float32, tf.float32))
loss = tf.reduce_sum(tf.square(end.x - 1.0)) + 0.01 * tf.reduce_sum(history.aux['energy'])
names = sorted(params)
grads = tf.gradients(loss, [params[n] for n in names] + [x0, controls])
gm = tf.gradients(mapped[0], params['k'])
both = tf.gradients([loss, folded], [controls], grad_ys=[None, tf.constant(2.0)])
stopped = tf.gradients(loss, [params['k']], stop_gradients=[params['k'] * 1.0])
branch = tf.cond(tf.reduce_sum(controls) > 0,
                 lambda: {'a': end.x * 2, 'b': (end.v, tf.constant(1.0))}, lambda: {'a': end.x, 'b': (end.v * 0., tf.constant(-1.0))})
gb = tf.gradients(branch['a'], x0)[0]
pick = tf.case({tf.less(x0[0], 0.0): lambda: end.x ** 2}, default=lambda: end.x ** 3)
gp = tf.gradients(pick, x0)[0]
limited = tf.while_loop(lambda z: True, lambda z: z * params['c'] + 1.0, [tf.constant(1.0)], maximum_iterations=4)
gl = tf.gradients(limited, params['c'])

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for sign in (1, -1):
        fd = {x0: [0.5, -0.3], controls: sign * np.array([[1., .5], [.3, .2], [-.2, .7]])}
        e, h = sess.run([end, history], fd)
        print('end', e.x, e.v, e.aux['n'], 'history', h.x[:, 0], h.aux['energy'][-1], h.aux['n'])
        print('loss', sess.run(loss, fd))
        for n, g in zip(names + ['x0', 'controls'], sess.run(grads, fd)):
            print(n, g)
        print('mapped', sess.run([mapped, gm], fd), 'both', sess.run(both, fd)[0])
        out = sess.run(branch, fd)
        print('branch', out['a'], out['b'], sess.run(gb, fd), sess.run(gp, fd), sess.run(gl, fd), sess.run(limited))
    print(sess.run(stopped, fd))
