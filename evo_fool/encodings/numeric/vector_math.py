"""sin, exp and log for kernels, in float64, written so that LLVM turns loops over them into vector code.

numba from PyPI has no vector math library and would call libm once a pixel. These use only IEEE additions,
multiplications, divisions, fused multiply-adds where they are written, and integer operations, all of them exactly
defined, so what they give is the same to the bit on every machine. Coefficients: Chebyshev fits by mpmath at 40 digits;
|error| < 3e-16 for sin (reduced argument), relative error < 5e-16 for exp.
"""
# Numba's intrinsics.
# mypy: disable-error-code="no-untyped-def"

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from evo_fool.encodings.numeric.jit import inner

# Adding and subtracting 1.5 * 2**52 rounds to the nearest integer and leaves that integer in the low bits.
_ROUND = 6755399441055744.0


def _as_bits(typing_context, x):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


def _as_float(typing_context, x):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


def _fused(typing_context, x, y, z):
    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


_fma: Any = intrinsic(_fused)
_float_bits: Any = intrinsic(_as_bits)
_bits_float: Any = intrinsic(_as_float)


@inner
def vector_exp(x: float) -> float:
    """e**x for |x| <= 700."""
    t = _fma(x, 1.4426950408889634074, _ROUND)
    n = t - _ROUND
    r = _fma(n, -7.440617110012397e-11, _fma(n, -0.6931471804855391, x))
    p = 2.5110049204818659792e-8
    p = _fma(p, r, 2.7632654722527791888e-7)
    p = _fma(p, r, 2.7557240887229868596e-6)
    p = _fma(p, r, 2.4801485441561312966e-5)
    p = _fma(p, r, 1.9841269890076402829e-4)
    p = _fma(p, r, 1.3888888952352862866e-3)
    p = _fma(p, r, 8.3333333333195896163e-3)
    p = _fma(p, r, 4.166666666648795252e-2)
    p = _fma(p, r, 0.1666666666666668082)
    p = _fma(p, r, 0.5)
    p = _fma(p, r, 1.0)
    p = _fma(p, r, 1.0)
    return _bits_float(_float_bits(p) + (_float_bits(t) << 52))


@inner
def vector_log(x: float) -> float:
    """log x for 1e-300 <= x <= 1e300: log m + e log 2 with sqrt(1/2) <= m < sqrt(2), by the series of atanh."""
    bits = _float_bits(x)
    e = (bits - 0x3FE6A09E667F3BCD) >> 52
    f = _bits_float(bits - (e << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 1.0 / 19.0
    p = _fma(p, z, 1.0 / 17.0)
    p = _fma(p, z, 1.0 / 15.0)
    p = _fma(p, z, 1.0 / 13.0)
    p = _fma(p, z, 1.0 / 11.0)
    p = _fma(p, z, 1.0 / 9.0)
    p = _fma(p, z, 1.0 / 7.0)
    p = _fma(p, z, 1.0 / 5.0)
    p = _fma(p, z, 1.0 / 3.0)
    # The integer e as a float: in the low bits of 1.5 * 2**52, where the vector units can convert it.
    exponent = _bits_float(e + 0x4338000000000000) - _ROUND
    return _fma(exponent, 0.6931471804855391, _fma(exponent, 7.440617110012397e-11, 2.0 * _fma(s * z, p, s)))


@inner
def vector_sin(x: float) -> float:
    """sin x: x = k pi + r with |r| <= pi/2, pi in three parts; absolute error below 1e-15 + 1e-16 |x|."""
    t = _fma(x, 0.31830988618379067154, _ROUND)
    k = t - _ROUND
    r = _fma(k, -4.044532497591901e-21, _fma(k, -1.2154201012607932e-10, _fma(k, -3.1415926534682512, x)))
    s = r * r
    p = 2.7215660921125597973e-15
    p = _fma(p, s, -7.6430257389643450588e-13)
    p = _fma(p, s, 1.6058940847832492062e-10)
    p = _fma(p, s, -2.5052106889975130936e-8)
    p = _fma(p, s, 2.7557319211223259502e-6)
    p = _fma(p, s, -1.984126984120863862e-4)
    p = _fma(p, s, 8.3333333333331862815e-3)
    p = _fma(p, s, -0.16666666666666665306)
    v = _fma(r, s * p, r)
    return _bits_float(_float_bits(v) ^ (_float_bits(t) << 63))
