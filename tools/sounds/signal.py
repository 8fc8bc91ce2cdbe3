"""Building blocks of synthetic sounds: noise, resonances, envelopes, voices, rooms. Five seconds at 48 kHz.

All that is random comes from one generator, which is seeded anew for every sound, so that a sound depends on its own
name and number alone.
"""

import numpy as np

RATE = 48000
SECONDS = 5
LENGTH = SECONDS * RATE
KERNEL = 20000
time = np.arange(LENGTH) / RATE
_random = [np.random.default_rng(0)]


def begin(seed):
    _random[0] = np.random.default_rng(seed)


def rng():
    return _random[0]


def uniform(*limits):
    return rng().uniform(*limits)


def log_uniform(a, b):
    return float(np.exp(uniform(np.log(a), np.log(b))))


def filtered(x, f):
    return np.fft.irfft(np.fft.rfft(x) * f(np.fft.rfftfreq(len(x), 1 / RATE) + 1e-3), len(x))


def coloured(a, n=LENGTH):
    return normalised(filtered(rng().standard_normal(n), lambda f: np.maximum(f, 30) ** (-a / 2)))


def normalised(x):
    return x / (np.abs(x).max() + 1e-9)


def band(x, lo, hi, o=4):
    return normalised(filtered(x, lambda f: 1 / np.sqrt(1 + (lo / f) ** (2 * o)) / np.sqrt(1 + (f / hi) ** (2 * o))))


def resonant(x, f0, q):
    return normalised(filtered(x, lambda f: 1 / np.sqrt(1 + (q * (f / f0 - f0 / f)) ** 2)))


def drifting(hz, lo=0.0, hi=1.0):  # smooth random curve
    k = max(4, int(5 * hz) + 3)
    return np.interp(time, np.linspace(-0.1, 5.1, k), uniform(lo, hi, k))


def phase(f):
    return np.cumsum(f * np.ones(LENGTH)) / RATE * 2 * np.pi


def harmonics(f, amp, K=40):  # amp(freq array) -> gain ; f array
    ph = phase(f)
    y = 0
    for k in range(1, K + 1):
        fk = k * np.asarray(f) * np.ones(LENGTH)
        if fk.min() > 16000:
            break
        y = y + amp(fk) * np.sin(k * ph + uniform(0, 6)) * (fk < 20000)
    return normalised(y)


def formant(*F):
    return lambda f: sum(g * np.exp(-0.5 * ((f - c) / b) ** 2) for c, b, g in F) + 0.002


def events(times, kern, amps=None):  # place kernels at times
    x = np.zeros(LENGTH)
    for i, s in enumerate(times):
        k = kern() if callable(kern) else kern
        a = int(s * RATE)
        if a < LENGTH and a >= 0:
            k = k[: LENGTH - a]
            x[a : a + len(k)] += k * (1 if amps is None else amps[i])
    return normalised(x)


def at_random(r):
    return np.sort(uniform(0, 5, rng().poisson(5 * r) + 1))


def ring(f, d, n=None):  # damped sine
    n = max(n or int(min(2, 7 * d) * RATE), KERNEL)
    s = np.arange(n) / RATE
    return np.sin(2 * np.pi * f * s + uniform(0, 6)) * np.exp(-s / d)


def burst(d, lo, hi, att=0.001):  # noise burst
    n = max(int(min(2, 6 * d) * RATE), KERNEL)
    s = np.arange(n) / RATE
    return band(rng().standard_normal(n), lo, hi, 2) * np.exp(-s / d) * np.minimum(1, s / att)


def gates(on, off, f=0.01):  # on/off envelope with smooth edges
    e = np.zeros(LENGTH)
    s = uniform(-off, 0.3)
    while s < 5:
        d = on * uniform(0.7, 1.3)
        e[max(0, int(s * RATE)) : max(0, int((s + d) * RATE))] = 1
        s += d + off * uniform(0.7, 1.3)
    k = int(f * RATE) + 1
    return np.convolve(e, np.ones(k) / k, "same") if k < 3000 else filtered(e, lambda q: 1 / (1 + (q * f) ** 2))


def bells(f, part, d):
    return sum(a * ring(f * r * uniform(0.995, 1.005), d / r**0.7, int(min(4, 6 * d) * RATE)) for r, a in part)


def engine(f0, rough, lo, hi):  # firing pulse train through resonances
    f = f0 * (1 + 0.03 * drifting(8, -1, 1))
    s = (phase(f) / (2 * np.pi)) % 1
    p = np.exp(-s * uniform(4, 14)) * (1 + rough * rng().standard_normal(LENGTH) * 0.5)
    cyl = 1 + 0.4 * np.sin(phase(f / 4))
    return normalised(band(p * cyl, lo, hi, 1) + 0.15 * rough * band(rng().standard_normal(LENGTH), 200, 5000, 1))


def chirp(f1, f2, d):
    n = int(d * RATE)
    s = np.arange(n) / n
    f = f1 + (f2 - f1) * s ** uniform(0.5, 2) + uniform(0, 0.1) * f1 * np.sin(2 * np.pi * uniform(2, 9) * s)
    return np.sin(2 * np.pi * np.cumsum(f) / RATE) * np.hanning(n)


def voice(f0c, F, g):
    return harmonics(f0c, formant(*F), 50) * g


def contour(on, off, f0, shape):  # repeated calls: f0 contour + gate
    g = np.zeros(LENGTH)
    f = np.full(LENGTH, f0)
    s = uniform(0, off)
    while s < 5:
        d = on * uniform(0.75, 1.25)
        a, b = int(s * RATE), min(LENGTH, int((s + d) * RATE))
        u = np.linspace(0, 1, max(b - a, 1))
        if b > a:
            f[a:b] = f0 * uniform(0.92, 1.08) * shape(u)
            g[a:b] = np.sin(np.pi * np.clip(u, 0, 1)) ** 0.4
        s += d + off * uniform(0.6, 1.5)
    return f, g


def recorded(x):  # room, tilt, floor, level
    x = normalised(np.asarray(x, dtype=np.float64))
    if uniform() < 0.5:
        d = log_uniform(0.05, 0.8)
        n = int(min(1.5, 4 * d) * RATE)
        ir = rng().standard_normal(n) * np.exp(-np.arange(n) / RATE / d * 2.3)
        ir[0] = 0
        y = np.fft.irfft(
            np.fft.rfft(x, 2 * LENGTH) * np.fft.rfft(ir / np.sqrt((ir**2).sum()), 2 * LENGTH), 2 * LENGTH
        )[:LENGTH]
        x = normalised(x + uniform(0.1, 0.8) * y)
    a = uniform(-0.5, 0.4)
    x = normalised(filtered(x, lambda f: (np.clip(f, 60, 16000) / 1000) ** a))
    if uniform() < 0.7:
        x = x + coloured(uniform(0, 1.5)) * 10 ** (uniform(-60, -25) / 20)
    return (normalised(x) * 10 ** (uniform(-20, -1) / 20)).astype(np.float32)
