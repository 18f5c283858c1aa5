import numpy as np
import mindspore as ms
from mindspore import ops
from mindspore.common.initializer import initializer


def one_hot(indices, depth, on_value=1.0, off_value=0.0, axis=-1):
    return ops.one_hot(indices, depth, ms.Tensor(on_value, ms.float32), ms.Tensor(off_value, ms.float32), axis)


class Bandit(object):
    """Chooses between arms; the session comes from outside."""

    def __init__(self, n_arms, rate=0.1):
        self.n_arms = n_arms
        self._build(rate)

    def probs(self):
        return ops.softmax(self.logits)

    def forward(self, arm, reward):
        chosen = ops.sum(one_hot(arm, self.n_arms) * ops.log(self.probs()), 1)
        return ops.mean(chosen * reward)

    # the gradient of the expected reward
    def gain(self, arm, reward):
        return ops.GradOperation(get_by_list=True)(self.forward, self.logits)(arm, reward)

    def update(self, arm, reward):
        ops.assign(self.logits, self.logits + self.rate * self.gain(arm, reward))

    def _build(self, rate):
        self.rate = rate
        self.logits = ms.Parameter(initializer('zeros', [self.n_arms], ms.float32), name='policy/logits')

    def learn(self, arm, reward):
        arm_value = ms.Tensor(arm, ms.int32)
        reward_value = ms.Tensor(reward, ms.float32)
        gain = self.gain(arm_value, reward_value).asnumpy()
        self.update(arm_value, reward_value)
        return gain


agent = Bandit(3)
for step in range(3):
    print(step, agent.learn([0, 2], [1.0, -0.5 * step]))
print(agent.probs().asnumpy())
