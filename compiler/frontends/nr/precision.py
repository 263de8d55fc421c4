"""The float types that layers compute in: `dtype=` as the policies of Keras have it.

A layer with a `dtype` gets its floats in that type and gives its result in it. A layer without one computes in the type
of the model: that of its input, or what that would be without layers that changed it on the way, as Keras casts what a
layer takes to the layer's own type. So one layer in half precision does not change those behind it, nor does a Lambda
whose expression is of double precision by the rules of numpy; `Cast` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.graph import CastOp
from neuralc.dialects.types import element_of, element_type_of, is_float, shape_of, tensor_type
from neuralc.frontends.nr.feeding import Applied
from neuralc.frontends.nr.site import Policy, Site, Values


def policy_of(name: str | None) -> Policy | None:
    """The policy of a `dtype`: `mixed_float16` computes in float16 and keeps weights in float32."""
    if name is None:
        return None
    compute = element_type_of(name.removeprefix("mixed_"))
    return Policy(compute, f32 if name.startswith("mixed_") else compute)


@dataclass
class Precision:
    """`natural` holds the types that values would have in the type of the model, where they have another one."""

    natural: dict[SSAValue, Attribute] = field(default_factory=dict)

    def entering(self, site: Site, applied: Applied) -> Applied:
        """What a layer is applied to, in the types that it takes."""
        named: dict[str, SSAValue | Values] = {
            name: self._cast(site, given) if isinstance(given, SSAValue) else self.cast(site, given)
            for name, given in applied.named.items()
        }
        return Applied(self.cast(site, applied.positional), named)

    def cast(self, site: Site, values: Values) -> Values:
        """Floats in the type of the layer, or in their natural one."""
        return tuple(self._cast(site, value) for value in values)

    def _cast(self, site: Site, x: SSAValue) -> SSAValue:
        element = element_of(x.type)
        wanted = self.natural.get(x, element) if site.policy is None else site.policy.compute
        if not is_float(element) or wanted == element:
            return x
        cast = site.add(CastOp.of(x, result=tensor_type(shape_of(x.type), wanted)), "cast")
        site.put_mask(cast, site.mask(x))
        return cast

    def leaving(self, applied: Applied, results: Values) -> None:
        """Remembers what type the results of a layer would have if it were that of what the layer was applied to."""
        floats = [value for value in applied.all if is_float(element_of(value.type))]
        usual = self.natural.get(floats[0], element_of(floats[0].type)) if floats else f32
        self.made({value: usual for value in results if is_float(element_of(value.type))})

    def made(self, natural: Mapping[SSAValue, Attribute | None]) -> None:
        """Values whose type would be another one."""
        self.natural.update(
            {value: type_ for value, type_ in natural.items() if type_ is not None and type_ != element_of(value.type)}
        )
