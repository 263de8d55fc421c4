"""An op knows the node that it comes from, and the module of the PyTorch program that the exporter wrote beside it."""

from onnx import NodeProto, TensorProto, helper

from neuralc.dialects.graph import the_model
from neuralc.frontends.onnx.load import load_bytes
from neuralc.frontends.onnx.names import NAME_SCOPES, module_of
from neuralc.passes.locations import describe_location
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module


def exported(scopes: str) -> NodeProto:
    node = helper.make_node("Relu", ["x"], ["y"], name="node_relu")
    entry = node.metadata_props.add()
    entry.key, entry.value = NAME_SCOPES, scopes
    return node


def test_the_module_is_the_last_but_one_of_the_scopes() -> None:
    assert module_of(exported("['', 'layer1', 'layer1.0', 'relu']")) == "layer1.0"
    assert module_of(exported("['', 'relu']")) == ""
    assert module_of(exported("nothing that was expected")) == ""
    assert module_of(helper.make_node("Relu", ["x"], ["y"])) == ""


def test_it_stands_in_the_location_behind_the_name_and_survives_a_dump() -> None:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    graph = helper.make_graph([exported("['', 'layer1', 'relu']")], "g", [x], [y])
    module = load_bytes(helper.make_model(graph).SerializeToString()).module
    for each in (module, parse_module(print_module(module, locations=True))):
        relu = next(op for op in the_model(each).block.ops if op.name == "graph.relu")
        assert str(relu.location) == 'loc("node_relu"("layer1"(unknown)))'
        assert describe_location(relu.location) == "node_relu"
