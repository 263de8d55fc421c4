"""`--dim S=128`: numbers in the place of symbols, everywhere."""

import pytest
from xdsl.dialects.builtin import ModuleOp

from neuralc.grammar.diagnostics import UsageError
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module
from neuralc.passes.verifier import verify_module
from neuralc.pin_dims import pin_dims

TEXT = """builtin.module {
  graph.dim @batch from 1
  graph.dim @S from 2 to 64
  graph.model @m(%x: tensor<?x?x4xf32, #graph.dims<batch, S>>) -> (tensor<?x?xf32, #graph.dims<batch, S * 4>>) inputs ["x"] outputs ["y"] {
    %r = graph.reshape %x -> tensor<?x?xf32, #graph.dims<batch, S * 4>>
    graph.return %r
  }
}
"""  # noqa: E501  (IR has long lines)


def pinned(**sizes: int) -> ModuleOp:
    module = parse_module(TEXT)
    pin_dims(module, sizes)
    verify_module(module)
    return module


def test_no_size_no_change() -> None:
    assert print_module(pinned()) == TEXT


def test_one_size_is_put_into_every_expression() -> None:
    text = print_module(pinned(S=8))
    assert "graph.dim @S" not in text
    assert "graph.dim @batch" in text
    assert "%x: tensor<?x8x4xf32, #graph.dims<batch>>" in text
    assert "%r = graph.reshape %x -> tensor<?x32xf32, #graph.dims<batch>>" in text


def test_all_sizes_leave_static_types() -> None:
    text = print_module(pinned(S=8, batch=2))
    assert "?" not in text
    assert "tensor<2x32xf32>" in text


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [("T", 8, "the model has no size `T`"), ("S", 1, "`S` is from 2 to 64"), ("S", 65, "`S` is from 2 to 64")],
)
def test_sizes_the_model_does_not_take_are_refused(name: str, size: int, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        pinned(**{name: size})
    assert message in caught.value.diagnostics[0].message
