"""Coefficients of the elementary functions, by element type: minimax fits of the relative error of the result.

They were fitted with 40 digits by Lawson's iteratively weighted least squares on Chebyshev nodes; the error given is
that of the fit alone, before rounding. Polynomials have their highest power first, as Horner's rule takes them.
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
    expm1: tuple[float, ...]
    """The same, fitted to keep the relative error of exp(r) - 1 small."""
    log: tuple[float, ...]
    """(2 atanh(s) - 2 s) / s**3 in s**2, for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1)."""
    tanh_one: float
    """From here on tanh rounds to 1."""
    erf_one: float
    """From here on erf rounds to 1."""
    erf: tuple[float, ...]
    """erf(x) / x in x**2, for |x| <= ERF_SMALL."""
    erfc_root: tuple[float, ...]
    """erfc(x)**(1/8) in (x - centre) / radius, from ERF_SMALL to `erf_one`."""
    erfc_centre: float
    erfc_radius: float


ERF_SMALL = 1.25

COEFFICIENTS: dict[Attribute, Coefficients] = {
    f32: Coefficients(
        exp_bounds=(-104.0, 89.0),
        ln2=(0.693359375, -0.00021219444005469057),
        # 3.1e-9
        exp=(
            0.0013814782525802549, 0.008368838355492524, 0.04166839541484295, 0.16666519639534813, 0.4999999337275172,
        ),
        # 2.4e-10
        expm1=(
            0.0001984604107500279, 0.0013940826813477474, 0.008333389549322674, 0.04166635853927789,
            0.16666666367973734, 0.5000000044685381,
        ),
        # 8.1e-10
        log=(0.2987330968883907, 0.39977485089826387, 0.6666677682579537),
        tanh_one=9.1,
        erf_one=3.95,
        # 9.9e-10
        erf=(
            -7.572945638907632e-06, 0.0001039386633609834, -0.0008339567691858988, 0.005209016062220854,
            -0.0268602473896608, 0.11283675025011222, -0.3761263004413684, 1.1283791659753561,
        ),
        # 2.5e-9
        erfc_root=(
            0.0010424689760400747, -0.00013637300223595978, -0.012672794948618718, 0.021895708632461083,
            0.07799589457539602, -0.3292373109242605, 0.35206466680417375,
        ),
        erfc_centre=2.6,
        erfc_radius=1.35,
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
        # 2.6e-19
        expm1=(
            2.0875115022053686e-09, 2.5109032767241915e-08, 2.7557403474308114e-07, 2.755724422822348e-06,
            2.4801587171402024e-05, 0.0001984126988610206, 0.0013888888888963034, 0.008333333333321641,
            0.041666666666666505, 0.16666666666666677, 0.5,
        ),
        # 1.2e-18
        log=(
            0.14797623295518425, 0.15313890708701938, 0.18183570278967467, 0.22222198464360934, 0.28571428743393,
            0.3999999999941039, 0.6666666666666735,
        ),
        tanh_one=19.1,
        erf_one=5.96,
        # 2.2e-20
        erf=(
            2.1607130936339699e-13, -5.640971431916833e-12, 9.10690331067184e-11, -1.222717458769679e-09,
            1.4798208054317721e-08, -1.636492742653006e-07, 1.6462046527310324e-06, -1.4925646743210846e-05,
            0.00012055332845262835, -0.0008548327019906126, 0.005223977625381962, -0.026866170645125073,
            0.11283791670955093, -0.37612638903183754, 1.1283791670955126,
        ),
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
