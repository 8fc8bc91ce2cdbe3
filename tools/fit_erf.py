#!/usr/bin/env python3
"""Fits the two approximations of src/nn/nn_vec_math.h and prints their coefficients and errors.

exp:  e^r on |r| <= ln(2) / 2 as 1 + r + r^2 p(r); e^x = 2^n e^r with x = n ln 2 + r.
tail: erfc(t / sqrt 2) / 2 on 0 <= t <= LIMIT as e^p(t); then gelu(x) = max(x, 0) - t * tail(t) with
      t = min(|x|, LIMIT). The relative error of the tail may grow as the tail falls: one
      polynomial without a division is enough.

Both are minimax fits by Lawson's iteration (least squares, weights multiplied by the error). The
errors printed are those of a float32 evaluation with fused multiply-adds, emulated in float64.
Needs numpy and scipy.
"""
import numpy as np
from scipy.special import erfc

LIMIT = 5.5
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4  # the first has 9 bits: n times it is exact


def fma(a, b, c):
    return (a.astype(np.float64) * b + c).astype(np.float32)


def horner(coefficients, x):
    y = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        y = fma(y, x, np.float32(c))
    return y


def lawson(matrix, target, scale, rounds=300):
    """Coefficients whose largest |scale * (matrix c - target)| is about the least."""
    weight = np.ones(len(target))
    best, best_error = None, np.inf
    for _ in range(rounds):
        root = np.sqrt(weight) * scale
        c = np.linalg.lstsq(matrix * root[:, None], target * root, rcond=None)[0]
        error = np.abs(scale * (matrix @ c - target))
        if error.max() < best_error:
            best, best_error = c, error.max()
        weight *= error + 1e-3 * error.max()
        weight /= weight.sum()
    return best, best_error


def exp(x):
    """e^x in float32: n ln 2 apart, the rest by a polynomial."""
    n = np.rint(x * np.float32(1 / np.log(2))).astype(np.float32)
    r = fma(-n, np.float32(LN2_LOW), fma(-n, np.float32(LN2_HIGH), x))
    return np.ldexp(horner(EXP, r), n.astype(int)).astype(np.float32)


def fit_exp(degree=6):
    r = np.cos(np.linspace(0, np.pi, 4001)) * np.log(2) / 2 * 1.01
    r = r[np.abs(r) > 1e-4]
    matrix = np.vander(r, degree - 1, increasing=True)
    c, _ = lawson(matrix, (np.exp(r) - 1 - r) / r**2, r**2 / np.exp(r))
    return np.concatenate([[1, 1], c]).astype(np.float32)


def report_exp():
    print("exp", [float(v) for v in EXP])
    x = np.linspace(-87, 88, 2000001).astype(np.float32)
    print("  largest relative error in float32:", np.abs(exp(x) / np.exp(x.astype(np.float64)) - 1).max())


def fit_tail(degree):
    t = LIMIT * (1 - np.cos(np.linspace(0, np.pi, 6001))) / 2
    tail = erfc(t / np.sqrt(2)) / 2
    c, error = lawson(np.vander(t, degree + 1, increasing=True), np.log(tail), tail, 1500)
    c = c.astype(np.float32)
    print("tail", degree, [float(v) for v in c], "fit error", error)
    x = np.linspace(-8, 8, 2000001).astype(np.float32)
    t = np.minimum(np.abs(x), np.float32(LIMIT))
    r = exp(horner(c, t))
    half = erfc(np.abs(x.astype(np.float64)) / np.sqrt(2)) / 2
    print("  largest error of erf in float32:", 2 * np.abs(r - half).max())
    y = fma(-t, r, np.maximum(x, np.float32(0)))
    exact = x.astype(np.float64) * erfc(-x.astype(np.float64) / np.sqrt(2)) / 2
    for name, part in ("-8..8", x == x), ("-1..1", np.abs(x) < 1), ("-8..0", x < 0):
        print("  largest error of gelu over", name, np.abs(y - exact)[part].max())


if __name__ == "__main__":
    EXP = fit_exp()
    report_exp()
    for degree in (7, 8, 9):
        fit_tail(degree)
