"""Random models over all ops are shown in every format."""

import json
from io import StringIO
from xml.etree import ElementTree

import numpy as np
import pytest
from support.pages import Page
from support.random_graph import EVERY, random_graph_module

from neuralc.inspection.graph_level import summarize
from neuralc.inspection.page import render_page
from neuralc.inspection.poster import render_svg
from neuralc.inspection.terminal import print_summary
from neuralc.verify.inputs import chosen_sizes

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(2, 24))]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_model_is_shown_in_every_format(seed: int) -> None:
    """Small ones as they are, large ones folded."""
    ops = (10, 60, 150)[seed % 3]
    module, _, _ = random_graph_module(np.random.default_rng(seed), ops=ops, layers=EVERY)
    summary = summarize(f"seed {seed}", module, chosen_sizes(module, {}, batch=1))
    assert json.loads(json.dumps(summary.as_dict()))["flops"] == sum(layer.flops or 0 for layer in summary.layers)
    for depth in (None, 1):
        ElementTree.fromstring(render_svg(summary, depth))
        page = Page(render_page(summary, depth))
        assert (page.unfit, page.open) == ([], [])
        assert {link.removeprefix("#") for link in page.attributes("href")} <= set(page.attributes("id"))
        assert sum(name.startswith("layer-") for name in page.rows) == len(summary.layers)
    print_summary(summary, file := StringIO(), depth=None, layers=True)
    assert all(layer.name in file.getvalue() for layer in summary.layers)
