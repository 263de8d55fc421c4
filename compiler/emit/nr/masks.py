"""Masks that go along with values, as in Keras: `Embedding(.., mask_zero=true)` says what a formula would.

The graph has a mask as a value, `ids != 0`, that layers read. Where an embedding of the same ids is in front and every
layer on the way finds this mask and no other one by the rules of the language, the embedding makes it. Elsewhere a
layer is given its masks by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from neuralc.emit.nr.body import Inexpressible
from neuralc.emit.nr.plan import Item
from neuralc.emit.nr.values import Call, Value
from neuralc.grammar.signatures import find

CARRIED = "~"
"""The name under which an item has the mask that it needs its values to carry."""

PADDING = "x: x != 0"
"""The formula of the mask that an embedding makes."""

BY_NAME: Mapping[str, tuple[str, ...]] = {
    "Bidirectional": ("mask",),
    "GRU": ("mask",),
    "LSTM": ("mask",),
    "MultiHeadAttention": ("query_mask", "value_mask"),
    "SimpleRNN": ("mask",),
}
"""Layers that heed a mask of their first value, with the names under which they take it."""

KEEP = frozenset({"MultiHeadAttention", "TransformerDecoder", "TransformerEncoder"})
"""Layers that heed a mask and pass it on."""

RECURRENT = frozenset({"Bidirectional", "GRU", "LSTM", "SimpleRNN"})


def settle_masks(items: Sequence[Item], results: Sequence[Value]) -> list[Item]:
    """Items whose masks are carried or given. Raises Inexpressible where a layer finds its mask with a value alone."""
    found = list(items)
    for made in [item for item in items if _is_padding(item)]:
        mask, ids = made.results[0], made.inputs[0]
        if not any(mask in chain.from_iterable(item.named.values()) for item in found):
            continue
        embeddings = [item for item in found if item.call.name == "Embedding" and item.inputs == (ids,)]
        for chosen in [*([each] for each in embeddings), *([embeddings] if len(embeddings) > 1 else [])]:
            settled = _carried(found, mask, chosen)
            if settled is not None:
                found = settled
                break
    read = {value for item in found for value in item.uses} | set(results)
    found = [item for item in found if not _is_padding(item) or item.results[0] in read]
    return [_by_name(item) for item in found]


def _is_padding(item: Item) -> bool:
    return item.call.name == "Lambda" and item.call.arguments["function"] == PADDING


def _carried(items: Sequence[Item], mask: Value, embeddings: Sequence[Item]) -> list[Item] | None:
    """The items with a mask that embeddings make; None where another layer would find it, or one that needs it not."""
    carrying = {item.results[0] for item in embeddings}
    found: list[Item] = []
    for item in items:
        if item in embeddings:
            arguments = {**item.call.arguments, "mask_zero": True}
            found.append(replace(item, call=Call(item.call.name, arguments)))
            continue
        masked, signature = carrying.intersection(item.inputs), find(item.call.name)
        own = item.named.get(CARRIED, item.named.get("mask"))
        if not masked:
            if item.named.get(CARRIED) == (mask,):
                return None
            found.append(item)
            continue
        if signature is None or item.block or signature.masking == "handle":
            first_alone = set(item.inputs[:1]) == masked
            if item.call.name not in BY_NAME.keys() | KEEP or own != (mask,) or not first_alone:
                return None
            item = replace(item, named={k: v for k, v in item.named.items() if k not in (CARRIED, "mask")})
            if item.call.name in KEEP or item.call.arguments.get("return_sequences"):
                carrying.add(item.results[0])
        elif signature.masking == "keep" and item.inputs[0] in masked:
            carrying.add(item.results[0])
        found.append(item)
    return found


def _by_name(item: Item) -> Item:
    """A mask that no value carries, by its names."""
    if CARRIED not in item.named:
        return item
    names = BY_NAME.get(item.call.name)
    if names is None:
        raise Inexpressible("its mask goes along with no value")
    others = {name: value for name, value in item.named.items() if name != CARRIED}
    return replace(item, named={**others, **dict.fromkeys(names, item.named[CARRIED])})
