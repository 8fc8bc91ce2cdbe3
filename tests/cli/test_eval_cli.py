#!/usr/bin/env python3
"""earshot eval as its users meet it, on a tiny model.

    test_eval_cli.py EARSHOT      prints TAP. Needs Python's standard library only.
"""
import csv
import json

from cli import MODEL, Cli, main, tone

LABELS = {"low": (100, 130, 160, 190), "middle": (900, 950, 1000, 1050), "high": (5000, 5300, 5600, 5900)}


class Eval(Cli):
    def setUp(self):
        super().setUp()
        for label, pitches in LABELS.items():
            (self.dir / "set" / label).mkdir(parents=True)
            for hertz in pitches:
                tone(self.dir / "set" / label / f"{hertz}.wav", seconds=0.3, hertz=hertz)

    def eval(self, *args, **more):
        return json.loads(self.run_it("--json", "-m", MODEL, "eval", *args, **more).stdout)

    def table(self, name, header, rows):
        (self.dir / name).parent.mkdir(parents=True, exist_ok=True)
        with open(self.dir / name, "w", newline="") as out:
            csv.writer(out).writerows([header, *rows])

    def files(self):
        return [(f"set/{label}/{hertz}.wav", label) for label, pitches in LABELS.items() for hertz in pitches]


class Zeroshot(Eval):
    def test_accuracy_is_the_diagonal_of_the_confusion(self):
        got = self.eval("zeroshot", "set")
        self.assertEqual(got["labels"], sorted(LABELS))
        self.assertEqual(sum(map(sum, got["confusion"])), 12)
        diagonal = sum(row[i] for i, row in enumerate(got["confusion"]))
        self.assertAlmostEqual(got["accuracy"], diagonal / 12)
        for i, row in enumerate(got["per_class"]):
            self.assertEqual((row["label"], row["count"]), (sorted(LABELS)[i], 4))
            self.assertAlmostEqual(row["accuracy"], got["confusion"][i][i] / 4)
        self.assertGreaterEqual(got["map@10"], 0)

    def test_a_manifest_gives_what_its_folder_gives(self):
        self.table("m.csv", ("file", "category"), self.files())
        self.assertEqual(self.eval("zeroshot", "m.csv"), self.eval("zeroshot", "set"))

    def test_more_labels_than_the_sounds_have_may_be_offered(self):
        (self.dir / "labels.txt").write_text("low\nhigh\nmiddle\nnever heard\n")
        got = self.eval("zeroshot", "set", "--labels-file", "labels.txt")
        self.assertEqual(len(got["confusion"]), 4)
        (self.dir / "few.txt").write_text("low\n")
        self.fails("-m", MODEL, "eval", "zeroshot", "set", "--labels-file", "few.txt", status=2, says="is not among the labels")

    def test_tables_of_esc50_and_urbansound8k_are_understood(self):
        wanted = self.eval("zeroshot", "set")["confusion"]
        rows = []
        for i, (path, label) in enumerate(self.files()):
            name = f"1-{i}-A-{i}.wav"
            (self.dir / "esc/audio").mkdir(parents=True, exist_ok=True)
            (self.dir / "esc/audio" / name).write_bytes((self.dir / path).read_bytes())
            (self.dir / f"us8k/audio/fold{i % 3 + 1}").mkdir(parents=True, exist_ok=True)
            (self.dir / f"us8k/audio/fold{i % 3 + 1}" / name).write_bytes((self.dir / path).read_bytes())
            rows.append((name, i % 3 + 1, label))
        self.table("esc/meta/esc50.csv", ("filename", "fold", "category"), rows)
        self.table("us8k/metadata/UrbanSound8K.csv", ("slice_file_name", "fold", "class"), rows)
        self.assertEqual(self.eval("zeroshot", "esc/meta/esc50.csv")["confusion"], wanted)
        self.assertEqual(self.eval("zeroshot", "us8k/metadata/UrbanSound8K.csv")["confusion"], wanted)

    def test_a_sound_that_cannot_be_used_is_named_and_the_rest_measured(self):
        (self.dir / "set/low/broken.wav").write_text("no sound")
        done = self.run_it("--json", "-m", MODEL, "eval", "zeroshot", "set", status=3)
        self.assertIn(b"broken.wav", done.stderr)
        self.assertEqual(json.loads(done.stdout)["count"], 12)


class Probe(Eval):
    def test_pitches_are_told_apart_by_a_probe(self):
        self.assertGreaterEqual(self.eval("probe", "set", "--folds", "4")["accuracy"], 0.75)

    def test_folds_may_be_a_column(self):
        self.table("m.csv", ("path", "label", "part"), [(*row, "ab"[i % 2]) for i, row in enumerate(self.files())])
        got = self.eval("probe", "m.csv", "--folds", "part")
        self.assertEqual(got["count"], 12)
        self.fails("-m", MODEL, "eval", "probe", "m.csv", "--folds", "none", status=2, says="has no column none")
        self.fails("-m", MODEL, "eval", "probe", "set", "--folds", "1", status=2, says="1 folds cannot be made")


class Retrieval(Eval):
    def test_both_directions_are_measured(self):
        self.table("m.csv", ("path", "caption"), [(path, f"a {label} tone {n}") for path, label in self.files()
                                                  for n in range(2)])
        got = self.eval("retrieval", "m.csv")
        self.assertEqual(got["text_to_audio"]["queries"], 24)
        self.assertEqual(got["audio_to_text"]["queries"], 12)
        for way in got.values():
            self.assertLessEqual(way["r@1"], way["r@5"])
            self.assertGreaterEqual(way["median_rank"], 1)

    def test_captions_are_needed(self):
        self.table("m.csv", ("path", "label"), self.files())
        self.fails("-m", MODEL, "eval", "retrieval", "m.csv", status=1, says="has no column caption")


class Refusals(Eval):
    def test_wrong_usage_is_said(self):
        self.fails("-m", MODEL, "eval", status=2, says="zeroshot, probe, retrieval")
        self.fails("-m", MODEL, "eval", "zeroshot", status=2, says="one folder or manifest")
        self.fails("-m", MODEL, "eval", "zeroshot", "nowhere", status=1, says="nowhere")
        (self.dir / "empty").mkdir()
        self.fails("-m", MODEL, "eval", "zeroshot", "empty", status=1, says="has no folders with sounds")


if __name__ == "__main__":
    main()
