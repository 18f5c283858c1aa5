import mindspore as ms, numpy as np
from mindspore import nn, ops

def make_model(seed, hidden=4):
    r = np.random.RandomState(seed)
    return nn.SequentialCell([
        nn.Dense(2, hidden, weight_init=ms.Tensor(r.randn(hidden, 2), ms.float32), bias_init="zeros"),
        nn.Tanh(),
        nn.Dense(hidden, 1, weight_init=ms.Tensor(r.randn(1, hidden), ms.float32), bias_init="zeros")])

def accuracy(model, x, y):
    p = ops.sigmoid(model(ms.Tensor(x))).asnumpy()
    return float(((p > 0.5) == (y > 0.5)).mean())

class Trainer:
    def __init__(self, model, lr, l2=1e-3):
        self.model = model
        self.loss_fn = nn.BCEWithLogitsLoss()
        self.opt = nn.Momentum(model.trainable_params(), lr, 0.9, weight_decay=l2)
        self.grad_fn = ms.value_and_grad(self.forward, None, self.opt.parameters, has_aux=False)

    def forward(self, x, y):
        return self.loss_fn(self.model(x), y)

    def step(self, x, y):
        loss, grads = self.grad_fn(x, y)
        self.opt(grads)
        return loss

    def fit(self, x, y, epochs=3, bs=4, patience=2):
        best, wait, log = float('inf'), 0, []
        for e in range(epochs):
            losses = []
            for k in range(0, len(x), bs):
                losses.append(self.step(ms.Tensor(x[k:k+bs]), ms.Tensor(y[k:k+bs])).asnumpy())
            avg = np.mean(losses)
            log.append(avg)
            if avg < best - 1e-4:
                best, wait = avg, 0
            else:
                wait += 1
                if wait >= patience:
                    break
        return log

rng = np.random.RandomState(2)
X = rng.randn(16, 2).astype(np.float32)
Y = (X[:, :1] * X[:, 1:] > 0).astype(np.float32)
scores = {}
for fold in range(2):
    test = slice(fold * 8, fold * 8 + 8)
    train = [i for i in range(16) if not (test.start <= i < test.stop)]
    for lr in [0.05, 0.2]:
        tr = Trainer(make_model(fold), lr)
        log = tr.fit(X[train], Y[train])
        scores[(fold, lr)] = accuracy(tr.model, X[test], Y[test])
        print(f"fold={fold} lr={lr} loss={log[-1]:.5f} n={len(log)} acc={scores[(fold, lr)]:.3f}")
print(max(scores.values()))
