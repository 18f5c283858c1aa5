import numpy as np
import mindspore as ms
from mindspore import ops, Tensor, Parameter, ParameterTuple

# plain functions and parameters, no cells at all
theta = Parameter(Tensor([0.1, -0.3, 0.2], ms.float32), name='theta')
velocity = Parameter(ops.zeros_like(theta), name='velocity', requires_grad=False)
step_count = Parameter(Tensor(0, ms.int32), name='steps', requires_grad=False)
X = Tensor(np.random.RandomState(3).normal(0, 1, (20, 3)), ms.float32)
t = Tensor((np.random.RandomState(4).rand(20) > 0.5).astype(np.float32))


def nll(inputs, targets):
    z = ops.matmul(inputs, theta)
    return ops.mean(ops.softplus(z) - targets * z)


g_fn = ops.GradOperation(get_by_list=True)(nll, ParameterTuple((theta,)))


def momentum_step(lr, mu):
    g, = g_fn(X, t)
    new_v = mu * velocity - lr * g
    ops.assign(velocity, new_v)
    ops.assign_add(theta, new_v)
    ops.assign_add(step_count, Tensor(1, ms.int32))
    return nll(X, t)


for k in range(5):
    lr = 1.0 / (k + 1)
    before = float(nll(X, t).asnumpy())
    after = float(momentum_step(lr, 0.5).asnumpy())
    print(k, round(before, 5), round(after, 5), before > after)
print(theta.asnumpy(), velocity.asnumpy(), int(step_count.asnumpy()))
theta.set_data(Tensor(np.zeros(3), ms.float32))
print(nll(X, t))
