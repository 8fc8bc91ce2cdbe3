#!/usr/bin/env python3
"""Writes tests/ref/vocab: a small byte-level BPE vocabulary of our own, in the order of RoBERTa's.

It is trained on sentences that this script makes up: captions of sounds, in English for the most part, a little in
other languages and scripts, and invented words, so that merges of many shapes and of several bytes come to be. The
result has no rights of anyone else in it.

    pip install tokenizers && python3 tools/make_vocab.py

Other texts and sizes, for a model of one's own:

    python3 tools/make_vocab.py --texts FILE --size 8192 -o DIR
"""
import argparse
import json
import pathlib
import random

import tokenizers
from tokenizers import models, pre_tokenizers, trainers

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/ref/vocab"
SIZE = 2048
SEED = 20

THINGS = """dog cat bird sparrow crow owl rooster hen cow horse sheep goat pig frog cricket bee wasp fly wolf lion
man woman child baby boy girl crowd audience choir teacher crying laughter speech voice whisper shout applause
rain thunder wind storm water river stream wave ocean waterfall fire campfire leaves branch stone gravel sand snow ice
car truck bus train tram motorcycle bicycle engine motor siren horn brake aircraft helicopter jet boat ship rocket
door window key lock bell clock alarm telephone keyboard mouse printer fan vacuum cleaner dryer washing machine
toilet sink shower kettle pan knife spoon plate glass bottle paper bag zipper scissors hammer saw drill wood metal
guitar piano violin cello drum cymbal flute trumpet saxophone organ harp accordion microphone speaker radio
footsteps breathing snoring coughing sneezing clapping whistling singing humming typing knocking rustling""".split()
VERBS = """bark meow chirp sing howl roar buzz hum click tick beep ring rattle squeak creak slam crash break burst pop
fizz sizzle boil pour drip splash flow rush blow rustle crackle rumble thump knock tap clap stomp walk run pass drive
accelerate idle start stop honk whistle speak talk laugh cry whisper scream cheer play strum repeat echo fade""".split()
KINDS = """loud quiet soft high low deep sharp distant nearby large small heavy light old electric wooden metallic wet
dry fast slow steady sudden several two three many single young male female muffled clear background""".split()
PLACES = """street kitchen forest room hall garden station harbour field church park office tunnel bathroom beach
mountain school market bridge airport""".split()
JOINS = ["while", "and", "as", "then", "before", "after", "with", "followed by", "in front of", "near"]
OTHERS = """Ein Hund bellt in der Küche, während draußen Regen fällt. Die Straße ist laut, Vögel zwitschern.
Un chien aboie près de la forêt, la pluie tombe, où l'eau coule. Le garçon a été très bruyant.
El niño está cantando; mañana lloverá en la montaña. ¿Qué es ese ruido? ¡Música!
Собака лает на улице, а потом идёт дождь. Женщина говорит и поёт. Шумит вода.
Ο σκύλος γαβγίζει στον δρόμο και βρέχει πολύ. Η θάλασσα ακούγεται μακριά.
犬が吠えている。雨の音が聞こえる。電車が通り過ぎる。人が話している。
狗在街上叫,外面下着雨,一个女人在说话。火车经过,水在流。
개가 짖고 비가 내리고 있다. 기차가 지나간다. 사람들이 이야기한다.
الكلب ينبح في الشارع والمطر يسقط. المرأة تتكلم والماء يجري.
הכלב נובח ברחוב והגשם יורד. האישה מדברת.
कुत्ता सड़क पर भौंक रहा है और बारिश हो रही है।
🎵 🎶 🐶 🐱 🚗 👩‍🎤 ❤️ 👍🏽 … — “quoted” ‘single’ it’s 10 °C ½ x² €5 ™""".split("\n")
SYLLABLES = [a + b for a in "b c d f g h j k l m n p r s t v w z st tr sh ch pl gr".split() for b in
             "a e i o u ai ea ou an er in on".split()]


def clause(rng):
    verb = rng.choice(VERBS)
    form = rng.choice([verb + "s", verb + "ing", verb + "ed", "is " + verb + "ing", "can " + verb])
    thing = rng.choice(THINGS)
    kind = rng.choice(KINDS) + " " if rng.random() < 0.5 else ""
    place = " in the " + rng.choice(PLACES) if rng.random() < 0.3 else ""
    return f"{rng.choice(['a', 'the', 'another', 'one'])} {kind}{thing} {form}{place}"


def sentence(rng):
    parts = [clause(rng)]
    for _ in range(rng.randrange(3)):
        parts.append(rng.choice(JOINS) + " " + clause(rng))
    if rng.random() < 0.2:
        parts.append(rng.choice(["it's", "that's", "they're", "we've", "I'm", "she'll", "he'd", "don't"]))
    if rng.random() < 0.3:
        parts.append("".join(rng.choice(SYLLABLES) for _ in range(rng.randrange(1, 4))))
    if rng.random() < 0.2:
        parts.append(f"{rng.randrange(2050)}")
    text = " ".join(parts) + rng.choice([".", "", "!", "...", "?", "\n", " \n\n"])
    return rng.choice([text.capitalize(), text.capitalize(), text, text.upper()])


def cased(path):
    """Each line as it is, and as a sentence."""
    lines = [line.strip() for line in open(path, encoding="utf-8") if line.strip()]
    return lines + [line[0].upper() + line[1:].rstrip(".") + "." for line in lines]


def train(text, size, out):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(text, trainers.BpeTrainer(
        vocab_size=size - 1, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    model = json.loads(tokenizer.to_str())["model"]
    vocab = {**model["vocab"], "<mask>": len(model["vocab"])}
    assert len(vocab) == size, len(vocab)
    out.mkdir(parents=True, exist_ok=True)
    lines = ["#version: 0.2"] + [" ".join(merge) for merge in model["merges"]]
    (out / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts")
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=OUT)
    options = parser.parse_args()
    rng = random.Random(SEED)
    text = cased(options.texts) if options.texts else [sentence(rng) for _ in range(20000)] + OTHERS * 40
    train(text, options.size, options.output)


if __name__ == "__main__":
    main()
