# -*- coding: utf-8 -*-
import os
import numpy as np
import tensorflow as tf
os.environ.setdefault('CUDA_DEVICE_ORDER', 'PCI_BUS_ID')


class WGAN_GP(object):
    model_name = "WGAN_GP"

    def __init__(self, sess, batch_size=4, z_dim=3):
        self.sess = sess
        self.batch_size = batch_size
        self.z_dim = z_dim
        self.size, self.c_dim = 6, 1
        self.lambd = 0.25
        self.disc_iters = 1
        self.learning_rate = 0.002
        self.beta1 = 0.5
        self.rng = np.random.RandomState(2017)
        self._init = {}

    def init_for(self, name, shape):
        if name not in self._init:
            self._init[name] = 0.3 * self.rng.randn(*shape)
        return tf.constant_initializer(self._init[name])

    def discriminator(self, x, is_training=True, reuse=False):
        with tf.variable_scope("discriminator", reuse=reuse):
            net = tf.layers.conv2d(x, 4, (3, 3), strides=(2, 2), padding='same', name='d_conv1',
                                   kernel_initializer=self.init_for('d1', (3, 3, 1, 4)))
            net = tf.nn.leaky_relu(net, alpha=0.2)
            net = tf.layers.conv2d(net, 5, 2, strides=1, padding='valid', name='d_conv2', activation=tf.nn.tanh,
                                   kernel_initializer=self.init_for('d2', (2, 2, 4, 5)))
            net = tf.layers.flatten(net)
            out_logit = tf.layers.dense(net, 1, name='d_fc3', kernel_initializer=self.init_for('d3', (20, 1)))
            out = tf.nn.sigmoid(out_logit)
            return out, out_logit, net

    def generator(self, z, is_training=True, reuse=False):
        with tf.variable_scope("generator", reuse=reuse):
            net = tf.layers.dense(z, 3 * 3 * 4, activation=tf.nn.relu, name='g_fc1',
                                  kernel_initializer=self.init_for('g1', (self.z_dim, 36)),
                                  bias_initializer=tf.constant_initializer(0.05))
            net = tf.reshape(net, [self.batch_size, 3, 3, 4])
            net = tf.layers.conv2d_transpose(net, 1, [3, 3], strides=(2, 2), padding='same', name='g_dc2',
                                             kernel_initializer=self.init_for('g2', (3, 3, 1, 4)))
            return tf.nn.sigmoid(net)

    def build_model(self):
        image_dims = [self.size, self.size, self.c_dim]
        bs = self.batch_size
        self.inputs = tf.placeholder(tf.float32, [bs] + image_dims, name='real_images')
        self.z = tf.placeholder(tf.float32, [bs, self.z_dim], name='z')
        self.alpha = tf.placeholder(tf.float32, [bs, 1, 1, 1], name='alpha')

        D_real, D_real_logits, _ = self.discriminator(self.inputs, is_training=True, reuse=False)
        G = self.generator(self.z, is_training=True, reuse=False)
        D_fake, D_fake_logits, _ = self.discriminator(G, is_training=True, reuse=True)

        d_loss_real = - tf.reduce_mean(D_real_logits)
        d_loss_fake = tf.reduce_mean(D_fake_logits)
        self.d_loss = d_loss_real + d_loss_fake
        self.g_loss = - d_loss_fake

        """ Gradient Penalty """
        differences = G - self.inputs
        interpolates = self.inputs + (self.alpha * differences)
        _, D_inter, _ = self.discriminator(interpolates, is_training=True, reuse=True)
        gradients = tf.gradients(D_inter, [interpolates])[0]
        slopes = tf.sqrt(tf.reduce_sum(tf.square(gradients), reduction_indices=[1, 2, 3]))
        self.gradient_penalty = tf.reduce_mean((slopes - 1.) ** 2)
        self.d_loss += self.lambd * self.gradient_penalty

        t_vars = tf.trainable_variables()
        d_vars = [var for var in t_vars if 'd_' in var.name]
        g_vars = [var for var in t_vars if 'g_' in var.name]
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            self.d_optim = tf.train.AdamOptimizer(self.learning_rate, beta1=self.beta1) \
                .minimize(self.d_loss, var_list=d_vars)
            self.g_optim = tf.train.AdamOptimizer(self.learning_rate * 5, beta1=self.beta1) \
                .minimize(self.g_loss, var_list=g_vars)
        self.fake_images = self.generator(self.z, is_training=False, reuse=True)
        d_real_sum = tf.summary.scalar("d_loss_real", d_loss_real)
        self.d_sum = tf.summary.merge([d_real_sum])

    def train(self, steps):
        tf.global_variables_initializer().run()
        self.sample_z = self.rng.uniform(-1, 1, size=(self.batch_size, self.z_dim))
        for idx in range(steps):
            batch_images = self.rng.uniform(0, 1, (self.batch_size, self.size, self.size, 1)).astype(np.float32)
            batch_z = self.rng.uniform(-1, 1, [self.batch_size, self.z_dim]).astype(np.float32)
            mix = self.rng.uniform(0, 1, (self.batch_size, 1, 1, 1))
            feed = {self.inputs: batch_images, self.z: batch_z, self.alpha: mix}
            _, d_loss, gp = self.sess.run([self.d_optim, self.d_loss, self.gradient_penalty], feed_dict=feed)
            if idx % self.disc_iters == 0:
                _, g_loss = self.sess.run([self.g_optim, self.g_loss], feed_dict={self.z: batch_z})
            print("[%2d] d_loss: %.6f, gp: %.6f, g_loss: %.6f" % (idx, d_loss, gp, g_loss))
        samples = self.sess.run(self.fake_images, feed_dict={self.z: self.sample_z})
        print(samples[0, :, :, 0])


def main():
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
        gan = WGAN_GP(sess)
        gan.build_model()
        gan.train(steps=5)


if __name__ == '__main__':
    main()
