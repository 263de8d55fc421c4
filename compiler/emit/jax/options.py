"""Options of layers that only their application takes: a stride, which functions that share a text have as a parameter.

emit/python/sharing finds them among the arguments of constructors. Here they go to where layers and functions are
applied, and away from where their parameters are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from neuralc.emit.python.expressions import Expression
from neuralc.emit.python.plan import Child, FreeWeight, Layer
from neuralc.emit.python.sharing import SharedClass

APPLIED = frozenset({"stride"})
"""What layers take when they are applied."""

NO_BIAS = "use_bias=False"


def without_bias(classes: Sequence[SharedClass]) -> frozenset[str]:
    """The functions that make layers none of which has a bias: `init_conv`. Some have arguments for its size alone."""
    made: dict[str, list[bool]] = {}
    for shared in classes:
        for constructor in shared.constructors.values():
            arguments = constructor.arguments or ()
            sized = constructor.head == "init_einsum_dense" or any(text.startswith("groups=") for text in arguments)
            made.setdefault(constructor.head, []).append(NO_BIAS in arguments and not sized)
    return frozenset(head for head, found in made.items() if all(found))


class Options:
    """The parameters of each function that are for its application, by its name. Fills `options` of all members."""

    def __init__(self, classes: Sequence[SharedClass]) -> None:
        self._own: dict[str, set[str]] = {}
        for shared in classes:
            self._own[shared.name] = set()
            for member in shared.variants[0].plan.members:
                if not isinstance(member, FreeWeight):
                    self._apply(shared, member)

    def of(self, shared: SharedClass) -> list[str]:
        """The parameters of a function behind its values, as they are declared."""
        own = self._own[shared.name]
        return [f"{name}{argument.declared}" for name, argument in shared.parameters.items() if name in own]

    def starting(self, shared: SharedClass) -> list[str]:
        """The parameters of the function that makes its weights."""
        own = self._own[shared.name]
        return [f"{name}{argument.declared}" for name, argument in shared.parameters.items() if name not in own]

    def made(self, constructor: Expression, member: Layer | Child) -> Expression:
        """A constructor without what is for the application."""
        left_out = self._names(member)
        arguments = constructor.arguments or ()
        return Expression(constructor.head, tuple(text for text in arguments if text.partition("=")[0] not in left_out))

    def _names(self, member: Layer | Child) -> frozenset[str] | set[str]:
        return APPLIED if isinstance(member, Layer) else self._own[member.plan.written]

    def _apply(self, shared: SharedClass, member: Layer | Child) -> None:
        listed = isinstance(member, Child) and member.attribute in shared.counts
        path = member.attribute if isinstance(member, Layer) or listed else member.path
        for keyword, value in self._given(shared.constructors[path], member):
            member.options.append(f"{keyword}={value}")
            if value in shared.parameters:
                self._own[shared.name].add(value)

    def _given(self, constructor: Expression, member: Layer | Child) -> Iterator[tuple[str, str]]:
        for text in constructor.arguments or ():
            keyword, equals, value = text.partition("=")
            if equals and keyword in self._names(member):
                yield keyword, value
