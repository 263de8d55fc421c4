"""What a `Lambda` computes, as graph ops with the semantics of numpy: broadcasting, types, indexing.

An expression has two sorts of values. Tensors are values of the graph. Numbers, sizes, tuples and types are known when
the model is compiled; a number takes the type of the tensor it meets (NEP 50). A size that is symbolic is a number too.
"""

from neuralc.frontends.nr.expressions.walk import evaluate_expression

__all__ = ["evaluate_expression"]
