"""Sounds that plain signal processing can imitate: {name: (captions, how)}. The list follows what people write of sounds
most often in captions."""

import numpy as np

from .signal import *  # noqa: F403: the table reads as formulas

GENERATORS = {
    "white": (("white noise", "static noise", "loud static hiss"), lambda: rng().standard_normal(LENGTH)),
    "pink": (("pink noise", "a steady rushing noise"), lambda: coloured(1)),
    "brown": (("brown noise", "a low rumbling noise"), lambda: coloured(2)),
    "sine": (
        ("a sine tone", "a steady electronic tone", "a continuous beep tone"),
        lambda: np.sin(phase(log_uniform(150, 5000))),
    ),
    "sweep": (
        ("a rising tone sweep", "a sine sweep", "an electronic sweeping sound"),
        lambda: np.sin(
            phase(np.geomspace(*(uniform(100, 500), uniform(2000, 9000))[:: int(rng().choice([1, -1]))], LENGTH))
        ),
    ),
    "rain": (
        ("rain", "rain falling", "heavy rain falling on a surface", "steady rainfall"),
        lambda: band(rng().standard_normal(LENGTH), log_uniform(300, 1500), log_uniform(6000, 16000), 1) * 0.5
        + uniform(0.1, 0.8)
        * events(at_random(log_uniform(30, 250)), lambda: burst(log_uniform(0.002, 0.01), 800, 9000) * uniform(0.1, 1)),
    ),
    "drip": (
        ("water dripping", "water drops", "dripping tap"),
        lambda: events(
            at_random(log_uniform(1, 4)),
            lambda: chirp(uniform(500, 1500), uniform(900, 2800), log_uniform(0.02, 0.07)) * uniform(0.3, 1),
        ),
    ),
    "stream": (
        ("water flowing", "a stream of water running", "water trickling", "a tap running"),
        lambda: 0.25 * uniform(0.2, 1) * band(rng().standard_normal(LENGTH), 400, 6000, 1)
        + events(
            at_random(log_uniform(60, 250)),
            lambda: chirp(log_uniform(350, 1800), log_uniform(450, 2600), log_uniform(0.01, 0.06)) * uniform(0.1, 1),
        ),
    ),
    "waves": (
        ("ocean waves", "sea waves crashing on the shore", "waves on a beach", "surf"),
        lambda: band(rng().standard_normal(LENGTH), 80, log_uniform(1500, 6000), 1)
        * (0.1 + (0.5 + 0.5 * np.sin(phase(uniform(0.1, 0.3)) + uniform(0, 6))) ** uniform(1, 3))
        * drifting(3, 0.7, 1),
    ),
    "wind": (
        ("wind blowing", "strong wind", "the wind howls", "gusty wind"),
        lambda: sum(
            resonant(coloured(1), log_uniform(150, 900), uniform(1, 8)) * drifting(2, 0.05, 1) ** 2 for _ in range(3)
        )
        + 0.3 * band(rng().standard_normal(LENGTH), 20, 150) * drifting(4),
    ),
    "thunder": (
        ("thunder", "thunder rumbling", "a thunderstorm"),
        lambda: band(rng().standard_normal(LENGTH), 25, log_uniform(150, 700), 1)
        * events(
            at_random(0.6),
            lambda: np.exp(-np.arange(2 * RATE) / RATE / uniform(0.3, 1.2))
            * np.minimum(1, np.arange(2 * RATE) / RATE / uniform(0.005, 0.3)),
        ),
    ),
    "fire": (
        ("fire crackling", "a crackling campfire", "wood burning in a fire"),
        lambda: 0.2 * uniform(0.2, 1) * band(rng().standard_normal(LENGTH), 40, 700, 1) * drifting(6, 0.5, 1)
        + events(
            at_random(log_uniform(8, 40)),
            lambda: burst(log_uniform(0.0008, 0.006), log_uniform(800, 3000), 14000, 0.0002) * log_uniform(0.05, 1),
        ),
    ),
    "clock": (
        ("a clock ticking", "tick tock of a clock", "ticking"),
        lambda: (
            lambda f, p, d: events(
                np.arange(uniform(0, p), 5, p),
                lambda: ring(f * uniform(0.97, 1.03), d, 4000) + 0.6 * burst(0.002, 2000, 12000),
            )
        )(log_uniform(1200, 6000), float(rng().choice([0.5, 1.0, 0.25, 0.2])), log_uniform(0.003, 0.015)),
    ),
    "beep": (
        ("beeping", "an alarm clock beeping", "electronic beeps", "a digital alarm"),
        lambda: (np.sin if uniform() < 0.5 else lambda x: np.sign(np.sin(x)) * 0.5)(phase(log_uniform(700, 4000)))
        * gates(log_uniform(0.04, 0.3), log_uniform(0.04, 0.6), 0.003),
    ),
    "siren": (
        ("a siren", "an emergency vehicle siren", "police siren wailing", "an ambulance siren sounds"),
        lambda: (
            lambda m, lo, hi, r: normalised(
                harmonics(
                    lo + (hi - lo) * (m if rng().random() < 0.7 else (m > 0.5) * 1.0),
                    lambda f: 1 / (1 + (f / log_uniform(900, 2500)) ** 2),
                    8,
                )
            )
        )(
            0.5 + 0.5 * np.sin(phase(float(rng().choice([0.2, 0.3, 0.6, 3.0, 4.0])))),
            uniform(400, 700),
            uniform(1000, 1600),
            0,
        ),
    ),
    "carhorn": (
        ("a car horn honking", "a vehicle horn", "honking"),
        lambda: (
            harmonics(np.full(LENGTH, uniform(330, 450)), lambda f: 1 / (1 + (f / 2500) ** 2), 25)
            + harmonics(np.full(LENGTH, uniform(420, 560)), lambda f: 1 / (1 + (f / 2500) ** 2), 25)
        )
        * gates(log_uniform(0.2, 1.2), log_uniform(0.2, 1.5), 0.01),
    ),
    "trainhorn": (
        ("a train horn", "a train horn blows loudly"),
        lambda: sum(
            harmonics(np.full(LENGTH, uniform(250, 330) * r), lambda f: 1 / (1 + (f / 2000) ** 2), 20)
            for r in (1, 1.2, 1.5, 1.68)
        )
        * gates(uniform(1, 2.5), uniform(0.3, 1), 0.05),
    ),
    "shiphorn": (
        ("a ship horn", "a foghorn", "a boat horn"),
        lambda: harmonics(np.full(LENGTH, uniform(70, 180)), lambda f: 1 / (1 + (f / 600) ** 2), 30)
        * gates(uniform(1.5, 4), uniform(0.5, 2), 0.1),
    ),
    "phone": (
        ("a telephone ringing", "a phone rings", "an old telephone bell"),
        lambda: (
            lambda f: events(
                np.concatenate(
                    [np.arange(s, s + uniform(0.8, 2), 1 / uniform(18, 25)) for s in np.arange(uniform(0, 0.5), 5, 3)]
                ),
                lambda: bells(f, ((1, 1), (1.5, 0.6), (2.7, 0.4)), 0.08),
            )
        )(log_uniform(800, 2000)),
    ),
    "dial": (
        ("a dial tone", "a telephone dial tone", "a phone busy tone"),
        lambda: (np.sin(phase(350)) + np.sin(phase(440))) * (1 if uniform() < 0.5 else gates(0.5, 0.5, 0.005)),
    ),
    "dtmf": (
        ("dialing a phone", "touch tone phone dialing", "telephone keypad tones"),
        lambda: sum(
            (np.sin(phase(rng().choice([697, 770, 852, 941]))) + np.sin(phase(rng().choice([1209, 1336, 1477]))))
            * ((time > s) & (time < s + 0.12))
            for s in np.arange(uniform(0, 0.3), 5, uniform(0.16, 0.4))
        ),
    ),
    "idle": (
        ("an engine idling", "a car engine idling", "a vehicle engine running"),
        lambda: engine(log_uniform(18, 45), uniform(0.3, 1.2), log_uniform(30, 80), log_uniform(300, 1500)),
    ),
    "rev": (
        ("an engine revving", "a car accelerating", "a car engine revs"),
        lambda: engine(
            log_uniform(30, 70) * (1 + uniform(1, 3) * drifting(1.0)), uniform(0.2, 0.8), 50, log_uniform(700, 3000)
        ),
    ),
    "moto": (
        ("a motorcycle", "a motorcycle engine", "a motorbike driving by"),
        lambda: engine(
            log_uniform(35, 110) * (1 + uniform(0.2, 1.5) * drifting(1)), uniform(0.3, 1.0), 80, log_uniform(1500, 5000)
        )
        * drifting(1, 0.3, 1),
    ),
    "truck": (
        ("a truck engine", "a bus engine", "a diesel engine running", "a large truck"),
        lambda: engine(log_uniform(12, 30), uniform(0.8, 2), 30, log_uniform(250, 900)),
    ),
    "tractor": (
        ("a tractor", "a lawn mower running", "a small gasoline engine"),
        lambda: engine(log_uniform(25, 80), uniform(0.6, 1.6), 60, log_uniform(1000, 4000)),
    ),
    "saw": (
        ("a chainsaw", "a power saw cutting", "a chainsaw revving"),
        lambda: normalised(
            engine(
                log_uniform(80, 160) * (1 + uniform(0.2, 0.8) * gates(uniform(0.5, 1.5), uniform(0.3, 1), 0.2)),
                uniform(0.4, 1),
                150,
                log_uniform(4000, 9000),
            )
            + 0.3 * band(rng().standard_normal(LENGTH), 1000, 9000)
        ),
    ),
    "heli": (
        ("a helicopter", "helicopter flying overhead", "helicopter rotor blades"),
        lambda: (
            lambda f: band(rng().standard_normal(LENGTH), log_uniform(30, 100), log_uniform(600, 3000), 1)
            * (0.15 + np.exp(-((phase(f) / (2 * np.pi)) % 1) * uniform(2, 6)))
            + 0.2 * band(rng().standard_normal(LENGTH), 300, 5000, 1) * drifting(2, 0.3, 1)
        )(log_uniform(9, 22)),
    ),
    "plane": (
        ("an airplane flying by", "a propeller airplane", "an aircraft engine"),
        lambda: harmonics(
            log_uniform(60, 140) * (1 + 0.02 * drifting(1, -1, 1)),
            lambda f: 1 / (1 + (f / log_uniform(400, 1200)) ** 1.5),
            40,
        )
        * drifting(1, 0.4, 1)
        + 0.4 * band(rng().standard_normal(LENGTH), 100, 2000, 1),
    ),
    "jet": (
        ("a jet engine", "a jet plane taking off", "a loud jet roar"),
        lambda: band(rng().standard_normal(LENGTH), log_uniform(60, 200), log_uniform(2000, 8000), 1)
        * drifting(1, 0.4, 1)
        + 0.1 * np.sin(phase(log_uniform(1500, 4000) * (1 + 0.1 * drifting(1)))),
    ),
    "vacuum": (
        ("a vacuum cleaner", "a vacuum cleaner running", "a hair dryer", "a blower motor"),
        lambda: (
            lambda f: band(rng().standard_normal(LENGTH), 200, log_uniform(4000, 12000), 1)
            + uniform(0.2, 1) * harmonics(f * (1 + 0.01 * drifting(2, -1, 1)), lambda q: 1 / (1 + (q / 3000) ** 2), 20)
        )(log_uniform(120, 500)),
    ),
    "drill": (
        ("a power drill", "drilling", "an electric drill", "a power tool"),
        lambda: normalised(
            harmonics(
                log_uniform(150, 450) * (0.6 + 0.5 * gates(uniform(0.7, 2), uniform(0.2, 0.8), 0.15)),
                lambda f: formant((uniform(1200, 3000), 900, 1), (6000, 2500, 0.5))(f),
                60,
            )
            + 0.3 * band(rng().standard_normal(LENGTH), 1500, 12000)
        )
        * (0.1 + gates(uniform(0.8, 2.5), uniform(0.2, 0.8), 0.08)),
    ),
    "hammerd": (
        ("a jackhammer", "a pneumatic hammer drill", "rapid mechanical hammering"),
        lambda: (
            lambda r: events(
                np.arange(0, 5, 1 / r),
                lambda: burst(log_uniform(0.006, 0.02), 100, 7000) * uniform(0.6, 1)
                + 0.4 * ring(uniform(400, 1800), 0.01, 2500),
            )
            * (0.15 + gates(uniform(1, 3), uniform(0.2, 1), 0.05))
        )(uniform(10, 28)),
    ),
    "fan": (
        ("an air conditioner humming", "a fan running", "ventilation noise", "a steady mechanical hum"),
        lambda: band(rng().standard_normal(LENGTH), 40, log_uniform(300, 2500), 1)
        + uniform(0.05, 0.6)
        * harmonics(
            np.full(LENGTH, float(rng().choice([50, 60, 100, 120, log_uniform(60, 250)]))),
            lambda f: 1 / (1 + (f / 300) ** 2),
            12,
        ),
    ),
    "hum": (
        ("an electric hum", "electrical humming", "a transformer hum"),
        lambda: harmonics(
            np.full(LENGTH, float(rng().choice([50, 60, 100, 120]))),
            lambda f: 1 / (1 + (f / log_uniform(200, 1500))),
            30,
        ),
    ),
    "sewing": (
        ("a sewing machine", "a sewing machine running", "mechanical clacking"),
        lambda: (
            lambda r: events(
                np.arange(0, 5, 1 / r), lambda: burst(0.008, 800, 8000) + 0.5 * ring(uniform(500, 900), 0.01, 2000)
            )
            * (0.1 + gates(uniform(0.8, 2), uniform(0.2, 0.8), 0.08))
            + 0.1 * harmonics(np.full(LENGTH, r * 8), lambda f: 1 / (1 + (f / 800) ** 2), 20)
        )(uniform(8, 22)),
    ),
    "typing": (
        ("typing on a keyboard", "keyboard typing", "clicking of computer keys"),
        lambda: events(
            np.cumsum(rng().gamma(1.5, log_uniform(0.05, 0.15), 90)),
            lambda: (burst(log_uniform(0.002, 0.006), 1500, 10000) + 0.5 * burst(0.006, 200, 1500)) * uniform(0.3, 1),
        ),
    ),
    "click": (
        ("clicking", "a mouse click", "switch clicks"),
        lambda: events(
            at_random(log_uniform(1, 4)),
            lambda: burst(log_uniform(0.001, 0.004), 1500, 14000, 0.0002) * uniform(0.4, 1),
        ),
    ),
    "footsteps": (
        ("footsteps", "footsteps walking", "a person walking"),
        lambda: (
            lambda p, lo, hi: events(
                np.arange(uniform(0, p), 5, p) + rng().normal(0, 0.02),
                lambda: burst(log_uniform(0.01, 0.04), lo, hi) * uniform(0.5, 1)
                + 0.4 * ring(uniform(80, 200), 0.02, 4000),
            )
        )(uniform(0.35, 0.7), log_uniform(80, 800), log_uniform(1500, 9000)),
    ),
    "knock": (
        ("knocking on a door", "knocking", "tapping on wood"),
        lambda: events(
            np.concatenate(
                [
                    s + np.arange(rng().integers(2, 6)) * uniform(0.13, 0.3)
                    for s in np.arange(uniform(0, 0.6), 5, uniform(1.2, 2.5))
                ]
            ),
            lambda: ring(uniform(150, 500), log_uniform(0.01, 0.03)) + 0.4 * burst(0.004, 500, 4000),
        ),
    ),
    "applause": (
        ("applause", "a crowd clapping", "an audience applauding"),
        lambda: events(
            at_random(log_uniform(80, 400)),
            lambda: burst(log_uniform(0.004, 0.012), log_uniform(700, 1500), log_uniform(2500, 6000)) * uniform(0.1, 1),
        ),
    ),
    "clap": (
        ("hands clapping", "a person clapping"),
        lambda: events(
            np.arange(uniform(0, 0.4), 5, uniform(0.25, 0.7)),
            lambda: burst(log_uniform(0.006, 0.015), log_uniform(700, 1300), log_uniform(2500, 6000)),
        ),
    ),
    "whistle": (
        ("whistling", "a person whistling", "someone whistles a tune"),
        lambda: np.sin(
            phase(
                np.repeat(log_uniform(900, 2200) * 2 ** (rng().integers(-5, 6, 20) / 12), LENGTH // 20 + 1)[:LENGTH]
                * (1 + 0.01 * np.sin(phase(5.5)))
            )
        )
        * gates(uniform(0.2, 0.8), 0.1, 0.03)
        + 0.02 * rng().standard_normal(LENGTH),
    ),
    "steamw": (
        ("a steam whistle", "steam hissing", "a kettle whistling"),
        lambda: (
            harmonics(np.full(LENGTH, log_uniform(500, 1400)), lambda f: 1 / (1 + (f / 3000) ** 2), 8) * uniform(0, 1)
            + 0.7 * band(rng().standard_normal(LENGTH), 2000, 14000, 1)
        )
        * gates(uniform(0.8, 4), uniform(0.2, 1), 0.08),
    ),
    "birds": (
        ("birds chirping", "a bird singing", "birds tweeting in the distance"),
        lambda: events(
            at_random(log_uniform(2, 12)),
            lambda: np.concatenate(
                [
                    chirp(log_uniform(2000, 6000), log_uniform(2000, 7000), log_uniform(0.03, 0.15))
                    for _ in range(rng().integers(1, 5))
                ]
            )
            * uniform(0.2, 1),
        ),
    ),
    "coo": (
        ("a pigeon cooing", "pigeons coo", "an owl hooting"),
        lambda: (lambda c: np.sin(phase(c[0])) * c[1])(
            contour(uniform(0.2, 0.6), uniform(0.3, 0.9), log_uniform(280, 520), lambda u: 1 + 0.15 * np.sin(np.pi * u))
        ),
    ),
    "crickets": (
        ("crickets chirping", "insects at night", "cicadas buzzing"),
        lambda: np.sin(phase(log_uniform(3000, 6000)))
        * (0.5 + 0.5 * np.sign(np.sin(phase(uniform(20, 60)))))
        * (gates(uniform(0.1, 0.6), uniform(0.1, 0.6), 0.01) if uniform() < 0.7 else 1),
    ),
    "bee": (
        ("a bee buzzing", "bees buzzing", "a fly buzzing around", "insects buzz"),
        lambda: harmonics(log_uniform(130, 300) * (1 + 0.1 * drifting(5, -1, 1)), lambda f: 1 / (1 + (f / 1200)), 40)
        * drifting(2, 0.1, 1),
    ),
    "mosq": (
        ("a mosquito buzzing", "a mosquito whine"),
        lambda: harmonics(
            log_uniform(400, 800) * (1 + 0.05 * drifting(4, -1, 1)), lambda f: 1 / (1 + (f / 2000) ** 2), 12
        )
        * drifting(2, 0.05, 1),
    ),
    "frog": (
        ("a frog croaking", "frogs croaking"),
        lambda: (
            lambda c, r: normalised(
                events(np.arange(0, 5, 1 / r), lambda: ring(uniform(0.95, 1.05) * c, 0.006, 1500))
                * gates(uniform(0.2, 0.6), uniform(0.3, 1), 0.02)
            )
        )(log_uniform(350, 2200), uniform(25, 80)),
    ),
    "cat": (
        ("a cat meowing", "a cat meows"),
        lambda: (lambda c: voice(c[0], ((uniform(900, 1400), 350, 1), (2600, 700, 0.5), (4500, 1200, 0.2)), c[1]))(
            contour(
                uniform(0.4, 1), uniform(0.5, 1.5), log_uniform(450, 750), lambda u: 0.8 + 0.45 * np.sin(np.pi * u**0.7)
            )
        ),
    ),
    "cow": (
        ("a cow mooing", "a cow moos", "cattle"),
        lambda: (lambda c: voice(c[0], ((uniform(300, 500), 150, 1), (900, 300, 0.5), (2400, 800, 0.15)), c[1]))(
            contour(
                uniform(1, 2), uniform(0.6, 1.5), log_uniform(90, 190), lambda u: 0.85 + 0.3 * np.sin(np.pi * u**0.8)
            )
        ),
    ),
    "sheep": (
        ("a sheep bleating", "goats bleating", "a lamb bleats"),
        lambda: (
            lambda c: voice(
                c[0] * (1 + 0.06 * np.sin(phase(uniform(6, 11)))),
                ((uniform(700, 1000), 300, 1), (1900, 500, 0.6), (3200, 800, 0.3)),
                c[1] * (0.6 + 0.4 * np.sin(phase(uniform(6, 11)))),
            )
        )(contour(uniform(0.5, 1.2), uniform(0.4, 1.5), log_uniform(170, 420), lambda u: 1.05 - 0.15 * u)),
    ),
    "dog": (
        ("a dog barking", "a dog barks"),
        lambda: (
            lambda c: normalised(
                voice(c[0], ((uniform(600, 1100), 400, 1), (1800, 600, 0.6), (3300, 1000, 0.25)), c[1] ** 3)
                + 0.25 * c[1] ** 3 * band(rng().standard_normal(LENGTH), 500, 4000, 1)
            )
        )(
            contour(
                uniform(0.1, 0.25),
                uniform(0.15, 0.9),
                log_uniform(170, 550),
                lambda u: 0.75 + 0.5 * np.sin(np.pi * u**0.6),
            )
        ),
    ),
    "baby": (
        ("a baby crying", "an infant cries", "a baby wailing"),
        lambda: (
            lambda c: normalised(
                voice(
                    c[0] * (1 + 0.02 * np.sin(phase(uniform(5, 9)))),
                    ((uniform(1000, 1400), 400, 1), (3300, 800, 0.7), (5500, 1200, 0.3)),
                    c[1],
                )
                + 0.05 * c[1] * band(rng().standard_normal(LENGTH), 1000, 7000)
            )
        )(
            contour(
                uniform(0.6, 1.3),
                uniform(0.15, 0.5),
                log_uniform(380, 560),
                lambda u: 0.85 + 0.25 * np.sin(np.pi * u**0.6),
            )
        ),
    ),
    "laugh": (
        ("a person laughing", "laughter", "someone laughs"),
        lambda: (
            lambda c: normalised(
                voice(c[0], ((uniform(600, 900), 250, 1), (1300, 350, 0.6), (2700, 600, 0.3)), c[1] ** 2)
                + 0.2 * c[1] * band(rng().standard_normal(LENGTH), 500, 5000)
            )
        )(contour(uniform(0.07, 0.12), uniform(0.08, 0.14), log_uniform(150, 420), lambda u: 1.1 - 0.25 * u)),
    ),
    "snore": (
        ("snoring", "a person snores loudly"),
        lambda: normalised(
            events(
                np.arange(0, 5, 1 / uniform(25, 70)),
                lambda: ring(uniform(150, 600), 0.008, 1800) + 0.4 * burst(0.004, 200, 3000),
            )
            + 0.2 * band(rng().standard_normal(LENGTH), 300, 4000, 1)
        )
        * gates(uniform(0.7, 1.5), uniform(0.6, 1.5), 0.25),
    ),
    "breath": (
        ("heavy breathing", "a person breathing", "panting"),
        lambda: band(rng().standard_normal(LENGTH), log_uniform(300, 900), log_uniform(2000, 7000), 1)
        * gates(log_uniform(0.15, 1), log_uniform(0.15, 1), 0.12),
    ),
    "heart": (
        ("a heartbeat", "heart beating"),
        lambda: (
            lambda p: events(
                np.concatenate([np.arange(0.1, 5, p), np.arange(0.1 + 0.3 * p, 5, p)]),
                lambda: ring(uniform(45, 80), 0.04, 8000),
            )
        )(uniform(0.6, 1.1)),
    ),
    "sneeze": (
        ("a person sneezing", "a sneeze", "a person coughing", "coughing"),
        lambda: events(
            at_random(0.8),
            lambda: np.concatenate(
                [
                    burst(0.05, 400, 3000)[: int(uniform(0.03, 0.12) * RATE)] * 0.4,
                    burst(log_uniform(0.05, 0.15), log_uniform(500, 2000), log_uniform(5000, 12000), 0.005),
                ]
            ),
        ),
    ),
    "hiss": (
        ("hissing", "spraying", "an aerosol spray", "air escaping"),
        lambda: band(rng().standard_normal(LENGTH), log_uniform(1500, 4000), log_uniform(9000, 18000), 1)
        * gates(log_uniform(0.2, 2), log_uniform(0.2, 1), 0.02),
    ),
    "fry": (
        ("food sizzling", "frying food", "sizzling in a pan"),
        lambda: band(rng().standard_normal(LENGTH), 2500, 15000, 1) * drifting(10, 0.5, 1) * 0.5
        + events(
            at_random(log_uniform(40, 150)),
            lambda: burst(log_uniform(0.001, 0.004), 3000, 14000, 0.0003) * log_uniform(0.1, 1),
        ),
    ),
    "flush": (
        ("a toilet flushing", "water rushing and gurgling"),
        lambda: band(rng().standard_normal(LENGTH), 150, log_uniform(3000, 9000), 1)
        * np.interp(time, [0, uniform(0.1, 0.5), uniform(1, 2.5), 5], [0, 1, 0.8, 0.1])
        + 0.4
        * events(at_random(40), lambda: chirp(log_uniform(200, 700), log_uniform(200, 900), log_uniform(0.03, 0.1)))
        * np.interp(time, [0, 2, 5], [0, 1, 0.5]),
    ),
    "bubbles": (
        ("bubbles", "gurgling water", "bubbling liquid"),
        lambda: events(
            at_random(log_uniform(8, 50)),
            lambda: chirp(log_uniform(200, 900), log_uniform(400, 1800), log_uniform(0.03, 0.12)) * uniform(0.2, 1),
        ),
    ),
    "bell": (
        ("a bell ringing", "church bells", "a large bell tolls"),
        lambda: (
            lambda f, d: events(
                np.arange(uniform(0, 0.5), 5, uniform(0.8, 2.5)),
                lambda: bells(
                    f * float(rng().choice([1, 1, 1.19, 1.33])),
                    ((0.5, 0.5), (1, 1), (1.19, 0.7), (1.5, 0.5), (2, 0.7), (2.66, 0.4), (4.1, 0.25)),
                    d,
                ),
            )
        )(log_uniform(180, 900), uniform(0.5, 1.5)),
    ),
    "chimes": (
        ("wind chimes", "small bells jingling", "a doorbell chime"),
        lambda: events(
            at_random(log_uniform(2, 9)),
            lambda: bells(log_uniform(900, 3500), ((1, 1), (2.76, 0.4), (5.4, 0.15)), uniform(0.2, 0.9))
            * uniform(0.2, 1),
        ),
    ),
    "bicyclebell": (
        ("a bicycle bell", "a service bell dings", "a ding"),
        lambda: events(
            at_random(1.2), lambda: bells(log_uniform(1500, 3500), ((1, 1), (1.5, 0.5), (2.8, 0.4)), uniform(0.15, 0.6))
        ),
    ),
    "gun": (
        ("gunshots", "gunfire", "explosions and gunfire"),
        lambda: events(
            at_random(log_uniform(0.5, 5)),
            lambda: burst(log_uniform(0.03, 0.25), log_uniform(50, 200), log_uniform(2000, 10000), 0.0003),
        ),
    ),
    "boom": (
        ("an explosion", "a loud boom", "an explosion in the distance"),
        lambda: events(at_random(0.5), lambda: burst(log_uniform(0.15, 0.3), 25, log_uniform(300, 2500), 0.002)),
    ),
    "glass": (
        ("glass clinking", "dishes clinking", "glass breaking"),
        lambda: events(
            at_random(log_uniform(2, 10)),
            lambda: sum(
                ring(log_uniform(2000, 9000), log_uniform(0.01, 0.12), 9000) * uniform(0.2, 1) for _ in range(4)
            )
            * uniform(0.3, 1),
        ),
    ),
    "metal": (
        ("metal clanging", "metallic banging", "metal clanking"),
        lambda: events(
            at_random(log_uniform(1, 4)),
            lambda: sum(ring(log_uniform(300, 5000), log_uniform(0.02, 0.3), 20000) * uniform(0.2, 1) for _ in range(7))
            + 0.5 * burst(0.003, 1000, 9000, 0.0003)[:100].sum() * 0,
        ),
    ),
    "rustle": (
        ("rustling", "paper crinkling", "leaves rustling", "plastic crinkling"),
        lambda: events(
            at_random(log_uniform(60, 300)),
            lambda: burst(log_uniform(0.001, 0.008), log_uniform(1000, 4000), 14000, 0.0005) * log_uniform(0.05, 1),
        )
        * drifting(3, 0.05, 1),
    ),
    "train": (
        ("a train moving on tracks", "a train passing", "rail wheels clacking"),
        lambda: normalised(
            band(rng().standard_normal(LENGTH), 50, log_uniform(600, 2500), 1) * 0.5
            + (
                lambda p: events(
                    np.concatenate([np.arange(0, 5, p), np.arange(0.12, 5, p)]),
                    lambda: burst(0.03, 100, 3000) * uniform(0.5, 1),
                )
            )(uniform(0.35, 0.9))
        ),
    ),
    "gallop": (
        ("a horse galloping", "horse hooves clip clop"),
        lambda: (
            lambda p: events(
                np.concatenate([np.arange(o, 5, p) for o in (0, 0.2 * p, 0.42 * p)]),
                lambda: ring(uniform(300, 900), 0.012, 3000) + 0.5 * burst(0.01, 300, 3000),
            )
        )(uniform(0.38, 0.7)),
    ),
    "crowdnoise": (
        ("traffic noise", "city traffic in the distance", "cars passing by on a road"),
        lambda: sum(
            band(rng().standard_normal(LENGTH), log_uniform(60, 200), log_uniform(700, 3000), 1)
            * np.exp(-(((time - uniform(0, 5)) / uniform(0.5, 1.5)) ** 2))
            * uniform(0.3, 1)
            for _ in range(4)
        )
        + 0.2 * coloured(2),
    ),
    "laser": (
        ("a laser gun", "a sci-fi laser zap", "video game sound effects"),
        lambda: events(
            at_random(2),
            lambda: (
                lambda n: np.sin(
                    2 * np.pi * np.cumsum(np.geomspace(log_uniform(1500, 6000), log_uniform(80, 500), n)) / RATE
                )
                * np.linspace(1, 0, n)
            )(int(uniform(0.1, 0.5) * RATE)),
        ),
    ),
    "arp": (
        ("video game music", "8-bit chiptune music", "electronic game melody"),
        lambda: np.sign(
            np.sin(
                phase(
                    np.repeat(220 * 2 ** (rng().choice([0, 3, 5, 7, 10, 12, 15, 19], 45) / 12), LENGTH // 45 + 1)[
                        :LENGTH
                    ]
                )
            )
        )
        * 0.5,
    ),
    "geiger": (
        ("a geiger counter", "crackling clicks", "vinyl record crackle"),
        lambda: events(at_random(log_uniform(5, 40)), lambda: burst(0.001, 1000, 14000, 0.0002) * log_uniform(0.2, 1)),
    ),
    "drone": (
        ("an ambient drone", "a dark ambient synthesizer pad", "eerie ambient sound"),
        lambda: sum(
            harmonics(
                log_uniform(50, 200) * (1 + 0.005 * drifting(1, -1, 1)),
                lambda f: 1 / (1 + (f / log_uniform(200, 900)) ** 2),
                20,
            )
            * drifting(0.8, 0.2, 1)
            for _ in range(3)
        ),
    ),
}
