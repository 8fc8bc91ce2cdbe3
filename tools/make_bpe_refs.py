#!/usr/bin/env python3
"""Records in tests/ref/bpe what the reference tokenizer makes of some 13,000 texts.

    pip install transformers && python3 tools/make_bpe_refs.py [--roberta DIR]

strings.jsonl.gz  a text a line: a JSON string; {"repeat": [unit, times]} for a long one; {"sweep": [first, last]}
                  for all code points of a range, each in the surroundings that sweep() gives it
vocab.ids.gz      for tests/ref/vocab, a line a text: how many ids, the first 16 hex digits of SHA-256 over them as
                  little-endian int32, and the ids themselves unless they are very many
tokenizer.ids.gz  the same without ids for tests/ref/tokenizer/tokenizer.json, which this writes too: the same
                  vocabulary whose special tokens take blanks; only for texts with a "<"
roberta.ids.gz    the same for RoBERTa's own vocabulary, written where --roberta names a folder that holds it

Every text also goes through tokenizers' ByteLevelBPETokenizer and through truncation; they must agree.
"""
import argparse
import gzip
import hashlib
import json
import pathlib
import random
import struct
import tempfile

import tokenizers
import transformers

import make_vocab

REF = pathlib.Path(__file__).resolve().parent.parent / "tests/ref"
OUT = REF / "bpe"
SEED = 7
MOST_IDS = 250
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
SPACES = ["\t", "\n", "\v", "\f", "\r", "\x1c", "\x1d", "\x1e", "\x1f", " ", "\x85", "\xa0", "\u1680", "\u180e",
          "\u2000", "\u2003", "\u2007", "\u200a", "\u200b", "\u200c", "\u200d", "\u2028", "\u2029", "\u202f",
          "\u205f", "\u2060", "\u3000", "\ufeff"]
MARKS = ["\u0300", "\u0301", "\u0308", "\u0327", "\u0483", "\u05b0", "\u064b", "\u093c", "\u0e31", "\u20dd", "\u20e3",
         "\ufe0e", "\ufe0f", "\u3099", "\U0001d165", "\U000e0100", "\U0001f3fb", "\U0001f3ff"]
RANGES = [(0, 0x1F), (0x20, 0x7E), (0x7F, 0x9F), (0xA0, 0xFF), (0x100, 0x24F), (0x250, 0x2FF), (0x300, 0x36F),
          (0x370, 0x3FF), (0x400, 0x52F), (0x530, 0x58F), (0x590, 0x5FF), (0x600, 0x6FF), (0x700, 0x7BF),
          (0x900, 0x97F), (0x980, 0x9FF), (0xA00, 0xB7F), (0xB80, 0xDFF), (0xE00, 0xEFF), (0xF00, 0xFFF),
          (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1200, 0x139F), (0x13A0, 0x13FF), (0x1400, 0x167F),
          (0x1680, 0x17FF), (0x1800, 0x18AF), (0x1C80, 0x1CFF), (0x1D00, 0x1DFF), (0x1E00, 0x1FFF), (0x2000, 0x206F),
          (0x2070, 0x20CF), (0x20D0, 0x214F), (0x2150, 0x218F), (0x2190, 0x23FF), (0x2460, 0x24FF), (0x2600, 0x27BF),
          (0x2C00, 0x2DFF), (0x2E80, 0x2FFF), (0x3000, 0x30FF), (0x3100, 0x33FF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF),
          (0xA4D0, 0xA8FF), (0xAA00, 0xABFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xF900, 0xFAFF), (0xFB00, 0xFDFF),
          (0xFE00, 0xFE6F), (0xFE70, 0xFFEF), (0xFFF0, 0xFFFF), (0x10000, 0x102FF), (0x10300, 0x107FF),
          (0x10800, 0x10FFF), (0x11000, 0x11FFF), (0x12000, 0x143FF), (0x16100, 0x18DFF), (0x1B000, 0x1BFFF),
          (0x1CC00, 0x1D7FF), (0x1D800, 0x1EFFF), (0x1F000, 0x1F2FF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF),
          (0x2EBF0, 0x323AF), (0xE0000, 0xE01EF), (0xF0000, 0x10FFFF)]
EMOJI = ["👩‍🚀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴‍☠️", "👍🏽", "🇩🇪", "🇯🇵🇫🇷", "1️⃣", "#️⃣", "❤️‍🔥", "☺︎", "🤷🏿‍♀️", "🐕‍🦺", "🫠", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"]
APOSTROPHES = ["'", "\u2019", "`", "''", " '", "' "]
ENDINGS = ["s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "Ve", "M", "lL", "D", "r", "v", "l", "sx", "ss", "t's"]
FIXED = ["", " ", "  ", "a", " a", "a ", "  a", "a  ", "\n", "\n\n", " \n", "\n ", "a\n b", "a \nb", "\r\n", "a\r\nb",
         "\0", "a\0b", "\0\0 \0", "\ufeff", "\ufeffa", "a\ufeff", "'", "''", "'s", " 's", "x's's", "don't", "DON'T",
         "they're we've I'm she'll he'd it's", "they’re", "'S", "'RE", "'Re", "1's", "!'s", "'s'", "a' s", "rock'n'roll",
         "3.14", "1,000,000", "2³ ½ Ⅷ ٣ ४ 〇", "a1b2c3", "v1.2.3-rc4", "10°C", "$5", "100%", "C++", "a_b", "__init__",
         "http://example.org/?q=a%20b&c=d#e", "me@example.org", "<", ">", "<s", "s>", "<S>", "< s>", "<mask", "mask>",
         "<<mask>>", "<mask><mask>", "a<mask>b", "a <mask> b", "a  <mask>  b", "<mask> ", " <mask>", "\n<mask>\n",
         "<s></s>", "<s>a</s>", "</s></s>", "<pad><pad>", "<unk>", " <unk> <unk> ", "<s>'s", "a<s>'s", " <s> 's",
         "a <pad>  b", "a  </s>", "<s><pad></s><unk><mask>", "<MASK>", "＜mask＞", "<mask>\u0301", "\u0301<mask>"]


def sweep(first, last):
    points = [p for p in range(first, last + 1) if not 0xD800 <= p < 0xE000]
    return "".join(f"a{c}1{c}!{c} {c}'s{c}{c}\n" for c in map(chr, points))


def text_of(line):
    if isinstance(line, str):
        return line
    if "repeat" in line:
        unit, times = line["repeat"]
        return unit * times
    return sweep(*line["sweep"])


def one_of(rng, span):
    point = rng.randint(*span)
    return chr(point) if not 0xD800 <= point < 0xE000 else "\ufffd"


def script_text(rng):
    span = rng.choice(RANGES)
    glue = rng.choice([[" "], [" ", ""], SPACES, [""], ["1", " ", "'"]])
    words = ["".join(one_of(rng, span) for _ in range(rng.randint(1, 6))) for _ in range(rng.randint(1, 4))]
    return "".join(word + rng.choice(glue) for word in words)


def any_text(rng):
    return "".join(one_of(rng, (0, 0x10FFFF) if rng.random() < 0.3 else rng.choice(RANGES))
                   for _ in range(rng.randint(1, 12)))


def space_text(rng):
    kinds = rng.choice([[" "], [" ", "\n"], SPACES])
    return "".join(rng.choice(["a", "1", "!", "'s", "é", "犬"] + kinds * rng.randint(1, 9))
                   for _ in range(rng.randint(1, 14)))


def special_text(rng):
    parts = SPECIALS + ["<mask>"] * 3 + [" "] * 6 + ["a", "dog", "1", "'s", "<", ">", "<mask", "ask>", "\n"] + SPACES
    return "".join(rng.choice(parts) for _ in range(rng.randint(1, 10)))


def mark_text(rng):
    return "".join(rng.choice(["a", "e", "и", "か", "1", " ", "!"]) + "".join(
        rng.choice(MARKS) for _ in range(rng.randint(0, 3))) for _ in range(rng.randint(1, 6)))


def emoji_text(rng):
    return "".join(rng.choice(EMOJI + [" ", "a", "\u200d", "\ufe0f", "!"]) for _ in range(rng.randint(1, 5)))


def contraction_text(rng):
    return "".join(rng.choice(["a", "dog", " ", "1", "!", "I", " they"]) + rng.choice(APOSTROPHES) +
                   rng.choice(ENDINGS) for _ in range(rng.randint(1, 4)))


def number_text(rng):
    return "".join(rng.choice("0123456789²½Ⅷ٣४.,-+:/eEx %$") for _ in range(rng.randint(1, 16)))


def caption_text(rng):
    text = make_vocab.sentence(rng)
    return rng.choice([text, text.strip(), " " + text, text + "  " + make_vocab.sentence(rng)])


def mixed_text(rng):
    makers = [script_text, any_text, space_text, special_text, mark_text, emoji_text, contraction_text, caption_text]
    return "".join(rng.choice(makers)(rng) for _ in range(2))


PLAN = [(script_text, 3400), (any_text, 1500), (space_text, 1200), (special_text, 1200), (mark_text, 600),
        (emoji_text, 500), (contraction_text, 900), (number_text, 500), (caption_text, 2600), (mixed_text, 600)]
LONG = [("a", 200000), ("ab", 100000), (" ", 200000), ("\n", 200000), (" \n", 100000), ("a ", 100000), ("1", 200000),
        ("!", 200000), ("'s", 100000), ("'", 200000), ("é", 100000), ("犬", 66000), ("👩‍🚀", 18000), ("\u0301", 100000),
        ("<mask>", 33000), (" <mask>", 28000), ("<", 200000), ("a dog barks in the rain, ", 8000), ("\0", 200000),
        ("BARKS", 40000), ("\xa0", 100000), ("an", 524288), ("\U0010ffff", 50000), ("x\u2028", 50000)]


def make_lines():
    rng = random.Random(SEED)
    lines = list(FIXED)
    for make, count in PLAN:
        lines += [make(rng) for _ in range(count)]
    lines += [{"repeat": list(pair)} for pair in LONG]
    lines += [{"sweep": [first, first + 0xFFF]} for first in range(0, 0x110000, 0x1000)]
    return lines


def write_gz(name, lines):
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / name, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as out:
        out.write("".join(line + "\n" for line in lines).encode())


def digest(ids):
    return f"{len(ids)} {hashlib.sha256(struct.pack(f'<{len(ids)}i', *ids)).hexdigest()[:16]}"


def other_path(folder):
    """The same vocabulary by way of tokenizers alone."""
    other = tokenizers.ByteLevelBPETokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    other.add_special_tokens(SPECIALS)
    return lambda text: [0] + other.encode(text).ids + [2]


def check_cut(reference, text, ids):
    for most in (2, 3, 8, 77):
        cut = reference(text, truncation=True, max_length=most)["input_ids"]
        assert cut == (ids if len(ids) <= most else ids[:most - 1] + [2]), (text, most)


def record(folder, texts, with_ids):
    reference = transformers.RobertaTokenizer.from_pretrained(folder)
    other = other_path(folder)
    lines = []
    for text in texts:
        ids = reference(text)["input_ids"]
        assert ids == other(text), text
        if len(text) < 1000:
            check_cut(reference, text, ids)
        shown = with_ids and len(ids) <= MOST_IDS
        lines.append(digest(ids) + (" " + " ".join(map(str, ids)) if shown else ""))
    return lines


def write_tokenizer():
    folder = REF / "tokenizer"
    with tempfile.TemporaryDirectory() as scratch:
        transformers.RobertaTokenizer.from_pretrained(REF / "vocab").save_pretrained(scratch)
        tokenizer = json.loads((pathlib.Path(scratch) / "tokenizer.json").read_text())
    for token in tokenizer["added_tokens"]:
        token["normalized"] = token["content"] != "<mask>"
        token["lstrip"] = token["content"] in ("<mask>", "<pad>")
        token["rstrip"] = token["content"] in ("<unk>", "<pad>")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def record_tokenizer(folder, texts):
    reference = transformers.RobertaTokenizer.from_pretrained(folder)
    other = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    lines = []
    for text in texts:
        ids = reference(text)["input_ids"]
        assert ids == other.encode(text).ids, text
        lines.append(digest(ids))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roberta", type=pathlib.Path, help="a folder with RoBERTa's vocab.json and merges.txt")
    args = parser.parse_args()
    lines = make_lines()
    texts = [text_of(line) for line in lines]
    write_gz("strings.jsonl.gz", [json.dumps(line, ensure_ascii=False) for line in lines])
    write_gz("vocab.ids.gz", record(REF / "vocab", texts, True))
    write_gz("tokenizer.ids.gz", record_tokenizer(write_tokenizer(), [text for text in texts if "<" in text]))
    if args.roberta:
        write_gz("roberta.ids.gz", record(args.roberta, texts, False))
    versions = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}"
    print(f"{len(texts)} texts, {versions}")


if __name__ == "__main__":
    main()
