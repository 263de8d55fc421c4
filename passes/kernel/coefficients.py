"""Coefficients of the elementary functions, by element type: minimax fits of the relative error of the result.

They were fitted with 40 digits by Lawson's iteratively weighted least squares on Chebyshev nodes; the error given is
that of the fit alone, before rounding. tests/support/minimax.py does it again for those of erf in fp32, of TANH and
ATAN, whose leading coefficients are rounded before the others are fitted; theirs is the error after that. Polynomials
have their highest power first, as Horner's rule takes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Attribute


@dataclass(frozen=True)
class Coefficients:
    """The numbers of one element type."""

    exp_bounds: tuple[float, float]
    """Below the first exp is 0, above the second it is infinite, also after rounding."""
    ln2: tuple[float, float]
    """ln 2 in two parts; an exponent times the first part is exact (Cody and Waite)."""
    exp: tuple[float, ...]
    """(exp(r) - 1 - r) / r**2 for |r| <= ln2 / 2."""
    log: tuple[float, ...]
    """(2 atanh(s) - 2 s) / s**3 in s**2, for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1)."""
    erf_one: float
    """From here on erf rounds to 1."""
    erf_small: float
    """Where the one polynomial ends and the other begins."""
    erf_centre: float
    erf: tuple[float, ...]
    """erf(x) / x - 1 in x**2 - centre, for |x| <= `erf_small`."""
    erfc_halvings: int
    erfc_root: tuple[float, ...]
    """erfc(x)**(1 / 2**halvings) in (x - centre) / radius, from `erf_small` to `erf_one`."""
    erfc_centre: float
    erfc_radius: float


COEFFICIENTS: dict[Attribute, Coefficients] = {
    f32: Coefficients(
        exp_bounds=(-104.0, 89.0),
        ln2=(0.693359375, -0.00021219444005469057),
        # 3.1e-9
        exp=(
            0.0013814782525802549, 0.008368838355492524, 0.04166839541484295, 0.16666519639534813, 0.4999999337275172,
        ),
        # 8.1e-10
        log=(0.2987330968883907, 0.39977485089826387, 0.6666677682579537),
        erf_one=3.95,
        erf_small=1.05,
        erf_centre=0.5,
        # 1.1e-9
        erf=(
            -9.44417934078956e-06, 7.868174725444987e-05, -0.0005609052022919059, 0.0034801762085407972,
            -0.01828400045633316, 0.07941000163555145, -0.2810721695423126, -0.03453126177191734,
        ),
        erfc_halvings=1,
        # 1.7e-9
        erfc_root=(
            6.9846200858592056e-06, -6.625822425121441e-05, 0.00018740903760772198, 0.0001923664822243154,
            -0.0020191746298223734, 0.0016336252447217703, 0.01260063610970974, -0.03072439879179001,
            -0.023910142481327057, 0.20116131007671356, -0.3229948580265045, 0.1841055452823639,
        ),
        erfc_centre=1.5,
        erfc_radius=1.0,
    ),
    f64: Coefficients(
        exp_bounds=(-746.0, 710.0),
        ln2=(0.6931471806019545, -4.2009150726810846e-11),
        # 3.7e-18
        exp=(
            2.5004399852113337e-08, 2.763042875529594e-07, 2.7557572688653224e-06, 2.480149256726306e-05,
            0.00019841269521953268, 0.0013888888944180505, 0.008333333333487283, 0.04166666666652784,
            0.16666666666666424, 0.5000000000000011,
        ),
        # 1.2e-18
        log=(
            0.14797623295518425, 0.15313890708701938, 0.18183570278967467, 0.22222198464360934, 0.28571428743393,
            0.3999999999941039, 0.6666666666666735,
        ),
        erf_one=5.96,
        erf_small=1.25,
        erf_centre=0.0,
        # 2.2e-20
        erf=(
            2.1607130936339699e-13, -5.640971431916833e-12, 9.10690331067184e-11, -1.222717458769679e-09,
            1.4798208054317721e-08, -1.636492742653006e-07, 1.6462046527310324e-06, -1.4925646743210846e-05,
            0.00012055332845262835, -0.0008548327019906126, 0.005223977625381962, -0.026866170645125073,
            0.11283791670955093, -0.37612638903183754, 0.12837916709551256,
        ),
        erfc_halvings=3,
        # 1.1e-19
        erfc_root=(
            -9.664494246445885e-08, -5.792628074242413e-07, -1.4619392366192986e-06, -1.475196764178267e-06,
            5.482584708667256e-07, -3.5486956344805515e-06, -5.568597946181811e-06, 5.1480632394426e-05,
            -1.3139621962885782e-05, -0.0004239239249023483, 0.0007497934064184539, 0.001966995716023193,
            -0.008095544870578312, 0.0014259539117978438, 0.03830751755369622, -0.06362231877403074,
            -0.046990931078345094, 0.2730526383232711, -0.34391262270229156, 0.1562825012636756,
        ),
        erfc_centre=3.6,
        erfc_radius=2.36,
    ),
}  # fmt: skip

EXPM1 = (
    2.0875115022053686e-09, 2.5109032767241915e-08, 2.7557403474308114e-07, 2.755724422822348e-06,
    2.4801587171402024e-05, 0.0001984126988610206, 0.0013888888888963034, 0.008333333333321641,
    0.041666666666666505, 0.16666666666666677, 0.5,
)  # fmt: skip
"""(exp(r) - 1 - r) / r**2 in fp64, fitted to keep the relative error of exp(r) - 1 small: 2.6e-19."""

TANH_ONE = 19.1
"""From here on tanh rounds to 1 in fp64."""
