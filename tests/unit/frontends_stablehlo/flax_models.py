"""Models as users of Flax write them, with linen and with nnx: parameters as Flax lays them out, random values."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from cases import Case, case
from flax import linen as nn
from flax import nnx


def _floats(r, *shape):
    return jnp.asarray(r.normal(size=shape))


def _tokens(r, below, *shape):
    return jnp.asarray(r.integers(1, below, shape), jnp.int32)


def _filled(r, tree):
    """The tree with random numbers that keep variances above zero, in the precision that is set."""

    def fill(leaf):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        return jnp.asarray(0.3 + 0.2 * r.uniform(-1, 1, leaf.shape))

    return jax.tree_util.tree_map(fill, tree)


def _of_linen(r, module, args, dynamic=None):
    shapes = jax.eval_shape(module.init, jax.random.key(0), *args)
    variables = _filled(r, shapes)
    centered = jax.tree_util.tree_map(lambda leaf: leaf - 0.3 if leaf.ndim > 1 else leaf, variables)
    return Case(module.apply, args, centered, dynamic)


def _of_nnx(r, module, args, dynamic=None):
    """A module that is called: it has its parameters itself."""
    module.eval()
    return Case(_filled(r, module), args, None, dynamic)


# --- linen -----------------------------------------------------------------------------------------------------------
class Mlp(nn.Module):
    widths: Sequence[int]

    @nn.compact
    def __call__(self, x, train: bool = False):
        for width in self.widths:
            x = nn.relu(nn.BatchNorm(use_running_average=not train)(nn.Dense(width)(x)))
        x = nn.Dropout(0.5, deterministic=not train)(x)
        return nn.Dense(10)(x)


@case
def linen_mlp(r):
    return _of_linen(r, Mlp((16, 32)), (_floats(r, 3, 8),), "batch, 8")


class ResNetBlock(nn.Module):
    filters: int
    strides: tuple[int, int] = (1, 1)

    @nn.compact
    def __call__(self, x, train: bool = False):
        y = nn.Conv(self.filters, (3, 3), self.strides, use_bias=False)(x)
        y = nn.relu(nn.BatchNorm(use_running_average=not train)(y))
        y = nn.Conv(self.filters, (3, 3), use_bias=False)(y)
        y = nn.BatchNorm(use_running_average=not train)(y)
        if x.shape != y.shape:
            x = nn.Conv(self.filters, (1, 1), self.strides, use_bias=False, name="conv_proj")(x)
            x = nn.BatchNorm(use_running_average=not train, name="norm_proj")(x)
        return nn.relu(x + y)


class ResNet(nn.Module):
    stages: Sequence[int]

    @nn.compact
    def __call__(self, x, train: bool = False):
        x = nn.Conv(8, (7, 7), (2, 2), padding=[(3, 3), (3, 3)], use_bias=False, name="conv_init")(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not train, name="bn_init")(x))
        x = nn.max_pool(x, (3, 3), strides=(2, 2), padding="SAME")
        for stage, blocks in enumerate(self.stages):
            for block in range(blocks):
                x = ResNetBlock(8 * 2**stage, (2, 2) if stage and not block else (1, 1))(x, train)
        return nn.Dense(5)(jnp.mean(x, axis=(1, 2)))


@case
def linen_resnet(r):
    return _of_linen(r, ResNet((2, 2)), (_floats(r, 2, 32, 32, 3),), "batch, ...")


class UNet(nn.Module):
    """Group norms, a depthwise convolution, a transposed one, a skip."""

    @nn.compact
    def __call__(self, x):
        skip = x = nn.swish(nn.GroupNorm(2)(nn.Conv(8, (3, 3))(x)))
        x = nn.avg_pool(x, (2, 2), strides=(2, 2))
        x = nn.Conv(8, (3, 3), feature_group_count=8)(x)
        x = nn.swish(nn.GroupNorm(4)(nn.Conv(16, (1, 1))(x)))
        x = nn.ConvTranspose(8, (2, 2), strides=(2, 2))(x)
        return nn.sigmoid(nn.Conv(1, (1, 1))(jnp.concatenate([x, skip], axis=-1)))


@case
def linen_unet(r):
    return _of_linen(r, UNet(), (_floats(r, 2, 8, 8, 3),), "batch, ...")


class EncoderBlock(nn.Module):
    heads: int

    @nn.compact
    def __call__(self, x, mask=None, deterministic: bool = True):
        y = nn.LayerNorm()(x)
        y = nn.MultiHeadDotProductAttention(self.heads, dropout_rate=0.1, deterministic=deterministic)(y, y, mask=mask)
        x = x + nn.Dropout(0.1, deterministic=deterministic)(y)
        y = nn.gelu(nn.Dense(4 * x.shape[-1])(nn.LayerNorm()(x)))
        return x + nn.Dropout(0.1, deterministic=deterministic)(nn.Dense(x.shape[-1])(y))


class Encoder(nn.Module):
    """Tokens of which those that are 0 are padding."""

    @nn.compact
    def __call__(self, tokens):
        mask = nn.make_attention_mask(tokens > 0, tokens > 0)
        x = nn.Embed(30, 16)(tokens)
        x = x + self.param("positions", nn.initializers.normal(0.02), (1, tokens.shape[1], 16))
        for index in range(2):
            x = EncoderBlock(4, name=f"block_{index}")(x, mask)
        return nn.LayerNorm()(x)


@case
def linen_encoder(r):
    return _of_linen(r, Encoder(), (_tokens(r, 30, 2, 6).at[0, 4:].set(0),), "batch, 6")


class Gpt(nn.Module):
    """The table of tokens is what the result is multiplied with."""

    @nn.compact
    def __call__(self, tokens):
        embed = nn.Embed(30, 16, name="wte")
        x = embed(tokens) + nn.Embed(32, 16, name="wpe")(jnp.arange(tokens.shape[1]))
        mask = nn.make_causal_mask(tokens)
        for index in range(2):
            x = EncoderBlock(4, name=f"block_{index}")(x, mask)
        return embed.attend(nn.LayerNorm()(x))


@case
def linen_gpt(r):
    return _of_linen(r, Gpt(), (_tokens(r, 30, 2, 7),), "batch, 7")


class Recurrent(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        x, precision = nn.Embed(20, 8)(tokens), jnp.result_type(float)  # what a cell begins with has its precision
        cells = [nn.OptimizedLSTMCell(6, param_dtype=precision) for _ in range(2)]
        x = nn.Bidirectional(*map(nn.RNN, cells))(x)
        x = nn.RNN(nn.GRUCell(5, param_dtype=precision))(x)
        return nn.Dense(4)(x)


@case
def linen_recurrent(r):
    return _of_linen(r, Recurrent(), (_tokens(r, 20, 3, 7),), "batch, 7")


# --- nnx -------------------------------------------------------------------------------------------------------------
class Block(nnx.Module):
    def __init__(self, rngs):
        self.norm = nnx.LayerNorm(16, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(4, 16, decode=False, rngs=rngs)
        self.mlp = nnx.Sequential(nnx.Linear(16, 32, rngs=rngs), nnx.gelu, nnx.Linear(32, 16, rngs=rngs))
        self.drop = nnx.Dropout(0.1, rngs=rngs)

    def __call__(self, x):
        x = x + self.attention(self.norm(x))
        return self.drop(x + self.mlp(x))


class Transformer(nnx.Module):
    def __init__(self, rngs):
        self.embed = nnx.Embed(20, 16, param_dtype=jnp.result_type(float), rngs=rngs)
        self.blocks = nnx.List([Block(rngs) for _ in range(2)])
        self.head = nnx.Linear(16, 3, rngs=rngs)

    def __call__(self, tokens):
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(1))


@case
def nnx_transformer(r):
    return _of_nnx(r, Transformer(nnx.Rngs(0)), (_tokens(r, 20, 2, 5),), "batch, 5")


class Cnn(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(3, 8, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.linear = nnx.Linear(8 * 4 * 4, 10, rngs=rngs)

    def __call__(self, image):
        x = nnx.avg_pool(nnx.relu(self.norm(self.conv(image))), (2, 2), (2, 2))
        return self.linear(x.reshape(x.shape[0], -1))


@case
def nnx_cnn(r):
    return _of_nnx(r, Cnn(nnx.Rngs(0)), (_floats(r, 2, 8, 8, 3),), "batch, ...")


class Vae(nnx.Module):
    """Two results, and functions of numpy between layers."""

    def __init__(self, rngs):
        self.encoder = nnx.Linear(12, 8, rngs=rngs)
        self.mean = nnx.Linear(8, 3, rngs=rngs)
        self.log_variance = nnx.Linear(8, 3, rngs=rngs)
        self.decoder = nnx.Sequential(nnx.Linear(3, 8, rngs=rngs), nnx.tanh, nnx.Linear(8, 12, rngs=rngs))

    def __call__(self, x, noise):
        hidden = nnx.elu(self.encoder(x))
        mean, log_variance = self.mean(hidden), jnp.clip(self.log_variance(hidden), -20, 2)
        return {"image": nnx.sigmoid(self.decoder(mean + jnp.exp(0.5 * log_variance) * noise)), "mean": mean}


@case
def nnx_vae(r):
    return _of_nnx(r, Vae(nnx.Rngs(0)), (_floats(r, 2, 12), _floats(r, 2, 3)), "batch, ...")
