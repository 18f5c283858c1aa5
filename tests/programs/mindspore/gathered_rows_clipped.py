import mindspore as ms
import numpy as np
from mindspore import Tensor, Parameter, ParameterTuple, nn
from mindspore.ops import composite as C
from mindspore.ops import functional as F
from mindspore.ops import operations as P

GRADIENT_CLIP_TYPE = 1
GRADIENT_CLIP_VALUE = 0.5
clip_grad = C.MultitypeFuncGraph("clip_grad")


@clip_grad.register("Number", "Number", "Tensor")
def _clip_grad(clip_type, clip_value, grad):
    if clip_type not in (0, 1):
        return grad
    dt = F.dtype(grad)
    if clip_type == 0:
        new_grad = C.clip_by_value(grad, F.cast(F.tuple_to_array((-clip_value,)), dt), F.cast(F.tuple_to_array((clip_value,)), dt))
    else:
        new_grad = nn.ClipByNorm()(grad, F.cast(F.tuple_to_array((clip_value,)), dt))
    return new_grad


class LSTMish(nn.Cell):
    def __init__(self, vocab=6, dim=4, hidden=5):
        super().__init__()
        r = np.random.RandomState(8)
        self.emb = Parameter(Tensor(r.randn(vocab, dim).astype(np.float32) * .3), name='emb')
        self.wx = Parameter(Tensor(r.randn(dim, hidden).astype(np.float32) * .4), name='wx')
        self.wh = Parameter(Tensor(r.randn(hidden, hidden).astype(np.float32) * .4), name='wh')
        self.wo = Parameter(Tensor(r.randn(hidden, vocab).astype(np.float32) * .4), name='wo')
        self.gather, self.tanh, self.matmul = P.Gather(), P.Tanh(), P.MatMul()
        self.hidden = hidden

    def construct(self, ids, state):
        x = self.gather(self.emb, ids, 0)
        outs = ()
        for i in range(3):
            state = self.tanh(self.matmul(x[:, i], self.wx) + self.matmul(state, self.wh))
            outs += (state,)
        h = P.Stack(axis=1)(outs)
        return self.matmul(P.Reshape()(h, (-1, self.hidden)), self.wo), state


class Loss(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.ce = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction='mean')

    def construct(self, ids, target, state):
        logits, state = self.net(ids, state)
        return self.ce(logits, P.Reshape()(target, (-1,)))


class TrainStep(nn.Cell):
    def __init__(self, network, optimizer):
        super().__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.weights = ParameterTuple(network.trainable_params())
        self.optimizer = optimizer
        self.grad = C.GradOperation(get_by_list=True, sens_param=True)
        self.hyper_map = C.HyperMap()
        self.sens = 2.0

    def construct(self, ids, target, state):
        weights = self.weights
        loss = self.network(ids, target, state)
        sens = P.Fill()(P.DType()(loss), P.Shape()(loss), self.sens)
        grads = self.grad(self.network, weights)(ids, target, state, sens)
        grads = self.hyper_map(F.partial(clip_grad, GRADIENT_CLIP_TYPE, GRADIENT_CLIP_VALUE), grads)
        succ = self.optimizer(grads)
        return F.depend(loss, succ)


r = np.random.RandomState(2)
net = LSTMish()
train = TrainStep(Loss(net), nn.Momentum(net.trainable_params(), learning_rate=0.2, momentum=0.8))
train.set_train()
state = Tensor(np.zeros((4, 5)), ms.float32)
for step in range(5):
    ids = r.randint(0, 6, (4, 4)).astype(np.int32)
    loss = train(Tensor(ids[:, :3]), Tensor(ids[:, 1:]), state)
    _, state = net(Tensor(ids[:, :3]), state)
    print("step: {}, loss: {}".format(step, loss))
print(net.emb.asnumpy()[:2], state.asnumpy().mean())
