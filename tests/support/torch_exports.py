"""The table of PyTorch pieces that are exported to ONNX with open sizes."""

from __future__ import annotations

import torch
from support.torch_blocks import (
    Cached,
    ConvNext,
    LineReader,
    Pyramid,
    SqueezeExcite,
    WindowAttention,
    linear_biases,
    relative_buckets,
)
from support.torch_pieces import (
    BATCHES,
    IMAGE,
    IMAGES,
    SIGNAL,
    TEXTS,
    Calls,
    Decoder,
    InterpolatedUNet,
    PaddedEncoder,
    Piece,
    Recurrent,
    Residual,
    SlicedPositions,
    UNet,
    Vision,
    X,
    conv_norm,
    floats,
    function,
    integers,
    mask,
    mean_pooled,
    piece,
    rotary,
    truths,
)
from torch import nn
from torch.nn import functional as F

VOLUMES = ({"B": 2, "D": 4, "H": 6, "W": 8}, {"B": 1, "D": 5, "H": 4, "W": 6})
DYNAMO = ("dynamo",)
LEGACY = ("legacy",)

NETS = [
    piece("residual", Residual, IMAGE, runs=IMAGES),
    piece("unet_transposed", lambda: UNet(lambda i, o: nn.ConvTranspose2d(i, o, 2, 2)), IMAGE, runs=IMAGES),
    piece("unet_upsampled", lambda: UNet(lambda i, o: nn.Upsample(scale_factor=2)), IMAGE, runs=IMAGES),
    piece(
        "unet_bilinear",
        lambda: UNet(lambda i, o: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)),
        IMAGE,
        runs=IMAGES,
    ),
    piece("unet_nearest_sizes", lambda: InterpolatedUNet("nearest"), IMAGE, runs=IMAGES),
    piece("unet_bilinear_sizes", lambda: InterpolatedUNet("bilinear"), IMAGE, runs=IMAGES),
    piece("depthwise", lambda: nn.Sequential(conv_norm(4, 4, 2, groups=4), nn.Conv2d(4, 8, 1)), IMAGE, runs=IMAGES),
    piece("dilated", lambda: nn.Conv2d(4, 8, 3, padding=2, dilation=2), IMAGE, runs=IMAGES),
    piece("conv1d", lambda: nn.Sequential(nn.Conv1d(4, 8, 3, 2, 1), nn.BatchNorm1d(8), nn.GELU()), SIGNAL),
    piece("conv1d_causal", lambda: Calls(lambda c, x: c(F.pad(x, (4, 0))), nn.Conv1d(4, 8, 3, dilation=2)), SIGNAL),
    piece("conv_transpose1d", lambda: nn.ConvTranspose1d(4, 3, 4, 2, 1), SIGNAL),
    piece(
        "conv3d",
        lambda: nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2)),
        floats("B", 2, "D", "H", "W"),
        runs=VOLUMES,
    ),
    piece("vision", Vision, floats("B", 4, 8, 8), runs=BATCHES),
    piece("lstm", lambda: Recurrent(nn.LSTM, num_layers=2), X),
    piece("lstm_two_ways", lambda: Recurrent(nn.LSTM, bidirectional=True), X, exporters=LEGACY),
    piece("gru", lambda: Recurrent(nn.GRU, bidirectional=True), X),
    piece("rnn", lambda: Recurrent(nn.RNN), X, exporters=LEGACY),
    piece("encoder", SlicedPositions, X, exporters=DYNAMO),
    piece("encoder_batches", SlicedPositions, floats("B", 6, 8), runs=BATCHES),
    piece("encoder_norm_first", lambda: SlicedPositions(norm_first=True, activation="gelu"), X, exporters=DYNAMO),
    piece("encoder_padded", PaddedEncoder, X, mask("B", "T"), exporters=DYNAMO),
    piece("decoder", lambda: Decoder(fused=False), integers(20, "B", "T")),
    piece("decoder_fused", lambda: Decoder(fused=True), integers(20, "B", "T")),
    piece(
        "cross_attention",
        lambda: Calls(lambda a, x, y: a(x, y, y), nn.MultiheadAttention(8, 2, batch_first=True)),
        X,
        floats("B", "S", 8),
        runs=({"B": 2, "T": 6, "S": 5}, {"B": 1, "T": 3, "S": 9}),
        exporters=DYNAMO,
    ),
    piece(
        "attention_masked",
        lambda: Calls(lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m[:, None, None, :])),
        *[floats("B", 2, "T", 4) for _ in range(3)],
        truths("B", "T"),
    ),
    piece("mean_pooled", lambda: Calls(mean_pooled, nn.Embedding(20, 8)), integers(20, "B", "T"), mask("B", "T")),
    function("rotary", rotary, X),
    piece("embedding_i32", lambda: nn.Embedding(20, 8, 0), integers(20, "B", "T", dtype=torch.int32)),
]

NORMS = [
    piece("layer_norm", lambda: nn.LayerNorm(8), X),
    piece("group_norm", lambda: nn.GroupNorm(2, 4), IMAGE, runs=IMAGES),
    piece("instance_norm", lambda: nn.InstanceNorm2d(4, affine=True), IMAGE, runs=IMAGES),
    piece("instance_norm_1d", lambda: nn.InstanceNorm1d(4), SIGNAL),
    piece("rms_norm", lambda: nn.RMSNorm(8), X, exporters=DYNAMO),
    function("moments", lambda x: ((x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True), x.var(-1)), X),
]

POOLS = [
    piece("pool_to_one", lambda: nn.AdaptiveAvgPool2d(1), IMAGE, runs=IMAGES),
    piece("pool_to_two", lambda: nn.AdaptiveAvgPool2d(2), floats("B", 4, 8, 12), runs=BATCHES),
    piece("pool_adaptive_max", lambda: nn.AdaptiveMaxPool2d((2, 3)), floats("B", 4, 8, 12), runs=BATCHES),
    piece("pool_ceil", lambda: nn.MaxPool2d(3, 2, ceil_mode=True), IMAGE, runs=IMAGES),
    piece("pool_average", lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE, runs=IMAGES),
    piece("pixel_shuffle", lambda: nn.PixelShuffle(2), IMAGE, runs=IMAGES),
    piece("pixel_unshuffle", lambda: nn.PixelUnshuffle(2), IMAGE, runs=IMAGES),
    function(
        "channel_shuffle",
        lambda x: x.view(x.shape[0], 2, 2, *x.shape[2:]).transpose(1, 2).flatten(1, 2),
        IMAGE,
        runs=IMAGES,
    ),
    function(
        "grid_sample",
        lambda x, g: F.grid_sample(x, g.tanh(), align_corners=False),
        IMAGE,
        floats("B", "P", "Q", 2),
        runs=tuple({**run, "P": p, "Q": p + 2} for run, p in zip(IMAGES, (5, 3, 8), strict=True)),
    ),
    function("bicubic", lambda x: F.interpolate(x, scale_factor=1.5, mode="bicubic"), IMAGE, runs=IMAGES),
    function("linear_1d", lambda x: F.interpolate(x, scale_factor=2, mode="linear"), SIGNAL),
    function("reflect", lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"), IMAGE, runs=IMAGES),
    function("replicate", lambda x: F.pad(x, (1, 2, 2, 1), mode="replicate"), IMAGE, runs=IMAGES),
    function("unfold", lambda x: F.unfold(x, 3, padding=1), floats("B", 4, 8, 8), runs=BATCHES),
]

VIEWS = [
    function("roll", lambda x: torch.roll(x, (2, -1), (1, 2)), X),
    function("flip", lambda x: torch.flip(x, (1,)), X),
    function("cat_stack", lambda x, y: (torch.cat([x, y], 1), torch.stack([x, y], 1)), X, X),
    function("split", lambda x: torch.split(x, [3, 5], -1), X),
    function("chunk", lambda x: [part * 2 for part in x.chunk(4, -1)], X),
    function("strided", lambda x: (x[:, ::2], x[:, 1:], x[:, -1], x[:, :-1] - x[:, 1:]), X),
    function("repeat", lambda x: (x.repeat(1, 2, 1), x.repeat_interleave(2, 1)), X),
    function(
        "windows",
        lambda x: (
            x.view(x.shape[0], 4, x.shape[2] // 4, 4, x.shape[3] // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, 4)
        ),
        IMAGE,
        runs=IMAGES,
    ),
    function("squeezes", lambda x: x.unsqueeze(1).expand(-1, 3, -1, -1).flatten(0, 1)[None].squeeze(0), X),
    function("triangle", lambda x: (torch.tril(x), torch.triu(x, 1)), floats("B", "T", "T")),
    function(
        "meshgrid",
        lambda x: (
            torch.stack(torch.meshgrid(torch.arange(x.shape[2]), torch.arange(x.shape[3]), indexing="ij"), -1)
            + x[:, 0, :, :, None]
        ),
        IMAGE,
        runs=IMAGES,
    ),
    function(
        "ones_like",
        lambda x: (torch.zeros_like(x), x.new_ones(x.shape[0], 1, x.shape[1]), torch.full((x.shape[1], 2), 3.0)),
        X,
    ),
]

INDICES = [
    function(
        "gather",
        lambda x, i: torch.gather(x, 1, i),
        X,
        integers(4, "B", "S", 8),
        runs=({"B": 2, "T": 6, "S": 3}, {"B": 3, "T": 4, "S": 7}),
    ),
    function("index_select", lambda x: x.index_select(2, torch.tensor([3, 0, 0])), X),
    function("indexed", lambda x, i: x[torch.arange(x.shape[0]), i], X, integers(4, "B")),
    function("scatter", lambda x, i, u: x.scatter(1, i, u), X, integers(4, "B", 1, 8), floats("B", 1, 8)),
    function("scatter_add", lambda x, i, u: torch.zeros_like(x).scatter_add(1, i, u), X, integers(4, "B", "T", 8), X),
    function("index_add", lambda x, u: x.index_add(2, torch.tensor([1, 1, 4]), u), X, floats("B", "T", 3)),
    function("where", lambda x, y: torch.where(x > y, x, y * 2), X, X),
    function("masked_fill", lambda x, m: x.masked_fill(m[:, :, None], -1.0), X, truths("B", "T")),
    function("cumsum", lambda x: (x.cumsum(1), x[:, :, 0].cumsum(-1)), X),
    function("positions", lambda ids: (ids.ne(1).int().cumsum(1) * ids.ne(1).int()).long() + 1, integers(4, "B", "T")),
    function("topk", lambda x: torch.topk(x, 3, dim=1), X),
    function("sort", lambda x: torch.sort(x, dim=1, descending=True), X),
    function("argmax", lambda x: (x.argmax(1), x.argmin(-1, keepdim=True), x.max(1)), X),
    function("last_token", lambda x, m: x[torch.arange(x.shape[0]), m.sum(1) - 1], X, mask("B", "T")),
    function("one_hot", lambda i: F.one_hot(i, 5).float(), integers(5, "B", "T")),
    function("select_scatter", lambda x: torch.cat([x[:, :1] * 0, x[:, 1:]], 1), X),
]

ARITHMETIC = [
    function("einsum", lambda x, y: torch.einsum("bid,bjd->bij", x, y), X, X),
    function(
        "einsum_heads", lambda q, k: torch.einsum("bhid,bhjd->bhij", q, k).softmax(-1), *[floats("B", 2, "T", 4)] * 2
    ),
    function("bmm", lambda x: torch.bmm(x.transpose(1, 2), x), X),
    piece("bilinear_gate", lambda: Calls(lambda a, x: F.glu(a(x), -1), nn.Linear(8, 16)), X),
    *[
        function(f.__name__, lambda x, f=f: f(x), X, exporters=exporters)
        for f, exporters in [
            (F.gelu, ("dynamo", "legacy")),
            (F.silu, ("dynamo", "legacy")),
            (F.hardswish, ("dynamo", "legacy")),
            (F.hardsigmoid, ("dynamo", "legacy")),
            (F.mish, ("dynamo", "legacy")),
            (F.elu, ("dynamo", "legacy")),
            (F.softplus, ("dynamo", "legacy")),
            (F.celu, ("dynamo", "legacy")),
            (F.selu, ("dynamo", "legacy")),
            (F.leaky_relu, ("dynamo", "legacy")),
            (F.relu6, ("dynamo", "legacy")),
            (F.logsigmoid, ("dynamo", "legacy")),
        ]
    ],
    function("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), X),
    function("log_softmax", lambda x: (F.log_softmax(x, 1), torch.logsumexp(x, -1)), X),
    function("norms", lambda x: (x.norm(dim=-1), F.normalize(x, dim=1)), X),
    function("distances", lambda x, y: torch.cdist(x, y), X, X, exporters=LEGACY),
    function("integers", lambda x, y: (x + y, x // (y + 1), x % (y + 1), x * 2 - y), *[integers(9, "B", "T")] * 2),
    function(
        "comparisons",
        lambda x, y: (x > y, (x > 0) & (y < 0), torch.isnan(x), ~(x > 0), (x > 0).any(1), (x > -9).all(-1)),
        X,
        X,
    ),
    function("reductions", lambda x: (x.sum(), x.mean(1), x.amax((1, 2)), x.prod(-1), x.min()), X),
    function("rounding", lambda x: (x.round(), x.floor(), x.ceil(), x.sign(), x.abs().sqrt(), x.clamp(-1.0, 0.5)), X),
    function("trigonometry", lambda x: (x.sin(), x.cos(), x.tanh(), x.atan(), x.exp(), (x.abs() + 1).log()), X),
    function("sizes", lambda x: (x * x.shape[1] / x.shape[0], torch.tensor(x.shape[1])), X, exporters=("legacy",)),
    function(
        "sinusoids",
        lambda t: torch.cat(
            [
                (t[:, None] * torch.exp(-torch.arange(4) / 4.0)).sin(),
                (t[:, None] * torch.exp(-torch.arange(4) / 4.0)).cos(),
            ],
            -1,
        ),
        floats("B"),
        runs=BATCHES,
    ),
]

CACHES = ({"B": 2, "T": 3, "P": 4}, {"B": 1, "T": 1, "P": 9}, {"B": 3, "T": 5, "P": 2})

BLOCKS = [
    piece("squeeze_excite", SqueezeExcite, IMAGE, runs=IMAGES),
    piece("convnext", ConvNext, IMAGE, runs=IMAGES),
    piece("pyramid", Pyramid, IMAGE, runs=IMAGES),
    piece("line_reader", LineReader, floats("B", 4, 16, "W"), runs=IMAGES),
    piece("cached_attention", Cached, floats("B", "T", 8), *[floats("B", 2, "P", 4)] * 2, runs=CACHES),
    piece("window_attention", WindowAttention, X),
    piece(
        "decoder_layer",
        lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True),
        X,
        floats("B", "S", 8),
        runs=({"B": 2, "T": 6, "S": 5}, {"B": 1, "T": 3, "S": 9}),
        exporters=DYNAMO,
    ),
    function("relative_buckets", relative_buckets, X),
    function("linear_biases", linear_biases, floats("B", 2, "T", "T")),
    function("last_three", lambda x: (x[:, -3:], x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]), X),
    function("circular", lambda x: F.pad(x, (2, 1), mode="circular"), SIGNAL),
    function("halves", lambda x: x.view(x.shape[0], -1, 2, 8).mean(2), X, runs=(TEXTS[0], TEXTS[2])),
    function("merged", lambda x: x.reshape(-1, 8) @ x.reshape(-1, 8).T, X),
    function("index_put", lambda x: torch.index_put(x, (torch.tensor([0]),), torch.zeros(1)), X, exporters=DYNAMO),
    function("tiled", lambda x, y: torch.cat([x, y[:, None].expand(-1, x.shape[1], -1)], -1), X, floats("B", 4)),
    piece("same_padding", lambda: nn.Conv1d(4, 4, 4, padding="same"), SIGNAL),
    piece("tall_strides", lambda: nn.Conv2d(4, 6, (3, 5), (1, 2), (1, 2)), IMAGE, runs=IMAGES),
    piece("scores", lambda: nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3), nn.Softmax(-1)), X),
]

PIECES: list[Piece] = [*BLOCKS, *NETS, *NORMS, *POOLS, *VIEWS, *INDICES, *ARITHMETIC]
