#!/usr/bin/env python3
"""earshot eval as its users meet it, on a tiny model.

    test_eval_cli.py EARSHOT      prints TAP. Needs Python's standard library only.
"""
import csv
import json
import math
import os
import xml.etree.ElementTree

from cli import FUSED, MODEL, ROOT, Cli, main, tone

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

    def test_the_confusion_is_drawn(self):
        os.rename(self.dir / "set/low", self.dir / "set/<low> & deep")
        got = self.eval("zeroshot", "set", "--svg", "confusion.svg")
        svg = xml.etree.ElementTree.parse(self.dir / "confusion.svg").getroot()
        texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual(texts.count("<low> & deep"), 2)
        counts = sorted(int(text) for text in texts if text.isdigit())
        self.assertEqual(counts, sorted(n for row in got["confusion"] for n in row if n))
        self.fails("-m", MODEL, "eval", "zeroshot", "set", "--svg", "none/x.svg", status=1, says="none")

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
        self.fails("-m", MODEL, "eval", "probe", "set", "--folds", "1", status=2, says="--folds 1: at least 2")


    def test_tables_that_contradict_themselves_are_refused(self):
        rows = [(*row, "1" if i % 2 else "2") for i, row in enumerate(self.files())]
        for bad, says in (([(*self.files()[0], "")], "has no fold"), ([(self.files()[0][0], "other", "1")], "another label"),
                          ([(*self.files()[0], "1", "x")], "more fields"), ([(self.files()[0][0], b"\xff", "1")], "m.csv:2")):
            self.table("m.csv", ("file", "label", "part"), bad + rows)
            if bad[0][1] == b"\xff":
                (self.dir / "m.csv").write_bytes(b"file,label,part\nset/low/100.wav,\xff,1\n")
            if says == "has no fold":
                self.table("m.csv", ("file", "label", "part"), bad + rows[1:])
            self.fails("-m", MODEL, "eval", "probe", "m.csv", "--folds", "part", status=1, says=says)
        self.fails("-m", MODEL, "eval", "probe", "set", "--folds", "part", status=2, says="a folder has no columns")

    def test_more_labels_than_a_confusion_holds_are_refused(self):
        (self.dir / "labels").write_text("".join(f"{name}\n" for name in list(LABELS) + list(map(str, range(5000)))))
        self.fails("-m", MODEL, "eval", "zeroshot", "set", "--labels-file", "labels", status=1, says="5003 labels are more than 4096")


class Examples(Eval):
    def test_labels_are_learnt_from_examples(self):
        tone(self.dir / "unknown.wav", seconds=0.3, hertz=5450)
        done = self.run_it("--json", "-m", MODEL, "classify", "unknown.wav", "--examples", "set", "--top", "3")
        row = json.loads(done.stdout)
        self.assertEqual(row["labels"][0]["label"], "high")
        self.assertAlmostEqual(sum(label["probability"] for label in row["labels"]), 1, places=5)
        self.assertIn(b"3 labels learnt from 12 examples", done.stderr)
        self.fails("-m", MODEL, "classify", "unknown.wav", "--examples", "set", "--labels", "a,b", status=2, says="leave out")

    def test_labels_are_learnt_from_the_librarys_tags(self):
        tone(self.dir / "unknown.wav", seconds=0.3, hertz=5450)
        by_tags = ("--json", "-L", "lib", "classify", "unknown.wav", "--examples", "library:tags")
        self.fails(*by_tags, status=1, says="lib")
        self.run_it("-q", "-L", "lib", "-m", MODEL, "index", "set")
        self.fails(*by_tags, status=1, says="no clip in it has a tag")
        for path, label in self.files():
            self.run_it("-L", "lib", "edit", self.dir / path, f"tags={label};Any")
            if label == "low":
                self.run_it("-L", "lib", "edit", self.dir / path, "tags=LOW")
        done = self.run_it(*by_tags)
        labels = {label["label"]: label["probability"] for label in json.loads(done.stdout)["labels"]}
        self.assertEqual({name.lower() for name in labels}, {"low", "middle", "high", "any"})
        self.assertGreater(labels["high"], labels["middle"])
        self.assertIn(b"4 labels learnt from 20 examples", done.stderr)
        self.fails("-L", "lib", "-m", FUSED, *by_tags[3:], status=1, says="-L")


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


class Relevance(Eval):
    REF = ROOT / "tests/ref/metrics"

    def judge(self, like, names, judgments="qrels.txt"):
        return json.loads(self.run_it("--json", "eval", "relevance", "--run", self.REF / "run.txt", "--judgments",
                                      self.REF / judgments, "--like", like,
                                      *(x for name in names for x in ("--metric", name))).stdout)

    def test_every_figure_is_that_tools_to_its_last_digit(self):
        wanted = json.loads((self.REF / "wanted.json").read_text())
        for like, digits in (("trec", 4), ("quepid", 12), ("srw", 12)):
            rows = wanted[like]
            names = list(next(iter(rows.values())))
            got = self.judge(like, names)
            self.assertEqual({row["query"] for row in got["queries"]}, set(rows))
            for row in got["queries"]:
                for name in names:
                    self.assertAlmostEqual(row[name], round(rows[row["query"]][name], digits), places=9, msg=f"{like} {row}")
            for name in names:
                mean = sum(row[name] for row in rows.values()) / len(rows)
                self.assertAlmostEqual(got["metrics"][name], round(mean, digits), places=9, msg=f"{like} {name}")

    def test_judgments_mean_the_same_in_every_format(self):
        (self.dir / "j.csv").write_text('query,docid,rating\nstar wars,a1,3\nstar wars,b2,\nstar trek,\n"a, b", =c,1\n')
        seen = None
        for fmt in ("jsonl", "srw", "quepid"):
            self.run_it("eval", "judgments", "convert", "j.csv", f"out.{fmt}", "--from", "quepid", "--to", fmt)
            back = self.run_it("eval", "judgments", "convert", f"out.{fmt}", "-", "--to", "jsonl").stdout
            seen = seen or back
            self.assertEqual(back, seen)
        self.assertEqual([json.loads(line) for line in seen.splitlines()],
                         [{"query": "star wars", "id": "a1", "rating": 3}, {"query": "a, b", "id": "=c", "rating": 1}])
        self.run_it("eval", "judgments", "convert", "j.csv", "out.trec", "--to", "trec")
        self.assertEqual((self.dir / "out.trec").read_text(), "1 0 a1 3\n2 0 =c 1\n")
        (self.dir / "ltr.txt").write_text("3 qid:1 # 1370 star trek\n")
        self.assertIn(b'"star trek"', self.run_it("eval", "judgments", "convert", "ltr.txt", "-", "--to", "jsonl").stdout)

    def test_a_library_is_judged_and_its_run_is_judged_alike(self):
        self.env["EARSHOT_LIBRARY"] = str(self.dir / "lib")
        self.run_it("-m", MODEL, "index", "set")
        (self.dir / "queries.txt").write_text("low\nhigh tone\n")
        (self.dir / "j.jsonl").write_text('{"query": "low", "id": "100.wav", "rating": 2}\n'
                                          '{"query": "low", "id": "130.wav", "rating": 1}\n'
                                          '{"query": "high tone", "id": "5000.wav", "rating": 3}\n')
        args = ("--json", "eval", "relevance", "--queries", "queries.txt", "--judgments", "j.jsonl", "--metric", "ndcg@10",
                "--metric", "rr")
        got = json.loads(self.run_it(*args, "--run-out", "run.txt").stdout)
        self.assertEqual([row["query"] for row in got["queries"]], ["low", "high tone"])
        self.assertGreater(got["metrics"]["rr"], 0)
        self.assertIn("low Q0 ", (self.dir / "run.txt").read_text())
        swept = json.loads(self.run_it(*args, "--sweep").stdout)
        self.assertEqual(len(swept["trials"]), 22)
        self.assertEqual(swept["best"]["ndcg@10"], max(row["ndcg@10"] for row in swept["trials"]))
        self.assertAlmostEqual(swept["present"], got["metrics"]["ndcg@10"])

    def test_a_byte_order_mark_is_no_part_of_a_query(self):
        (self.dir / "run").write_text("q1 Q0 d1 1 0.5 x\n")
        for name, text in (("qrels.txt", "q1 0 d1 1\r\n"), ("j.csv", "query,docid,rating\r\nq1,d1,1\r\n")):
            (self.dir / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
            got = json.loads(self.run_it("--json", "eval", "relevance", "--run", "run", "--judgments", name, "--metric", "rr").stdout)
            self.assertEqual(got["metrics"], {"rr": 1.0})

    def test_options_of_another_kind_are_refused(self):
        for args, says in ((("probe", "set", "--template", "x {}"), "--template is of eval zeroshot"),
                           (("zeroshot", "set", "--folds", "3"), "--folds is of eval probe"),
                           (("relevance", "--judgments", "q", "--run", "r", "--sweep"), "--run is judged as it is"),
                           (("relevance", "--judgments", "q", "--queries", "r", "--sweep", "--mode", "bm25"), "--sweep tries")):
            self.fails("-m", MODEL, "eval", *args, status=2, says=says)

    def test_an_output_that_fails_leaves_what_was_there(self):
        (self.dir / "j.csv").write_text("query,docid,rating\nq,my rain.wav,1\n")
        (self.dir / "out").write_text("mine")
        self.fails("eval", "judgments", "convert", "j.csv", "out", "--to", "trec", status=1, says="my rain.wav")
        self.assertEqual((self.dir / "out").read_text(), "mine")
        self.env["EARSHOT_LIBRARY"] = str(self.dir / "lib")
        os.rename(self.dir / "set/low/100.wav", self.dir / "set/low/my rain.wav")
        self.run_it("-m", MODEL, "index", "set")
        (self.dir / "queries.txt").write_text("q\n")
        self.fails("eval", "relevance", "--queries", "queries.txt", "--judgments", "j.csv", "--run-out", "out", status=1,
                   says="my rain.wav: a document with blanks")
        self.assertEqual((self.dir / "out").read_text(), "mine")

    def test_a_document_counts_once_a_query(self):
        (self.dir / "run").write_text("q1 Q0 d1 1 0.5 x\nq1 Q0 d2 2 0.4 x\nq1 Q0 d1 3 0.3 x\n")
        (self.dir / "q").write_text("q1 0 d1 1\n")
        self.fails("eval", "relevance", "--run", "run", "--judgments", "q", status=1, says="run:3: d1 is there twice for query q1")
        self.env["EARSHOT_LIBRARY"] = str(self.dir / "lib")
        os.rename(self.dir / "set/low/100.wav", self.dir / "set/low/same.wav")
        os.rename(self.dir / "set/high/5000.wav", self.dir / "set/high/same.wav")
        self.run_it("-m", MODEL, "index", "set")
        (self.dir / "queries.txt").write_text("same\nxyzzyx\n")
        (self.dir / "q").write_text("same 0 same.wav 1\nxyzzyx 0 130.wav 1\n")
        got = json.loads(self.run_it("--json", "eval", "relevance", "--queries", "queries.txt", "--judgments", "q", "--metric",
                                     "recall@10", "--mode", "bm25").stdout)
        self.assertEqual([row["recall@10"] for row in got["queries"]], [1.0, 0.0])  # the second finds nothing, and counts
        self.assertEqual(got["metrics"], {"recall@10": 0.5})

    def test_means_are_rounded_as_printf_does(self):
        hits = "".join(f"q{i} Q0 d{i} 1 0.5 x\n" for i in range(16))
        (self.dir / "run").write_text(hits)
        (self.dir / "q").write_text("".join(f"q{i} 0 {'d' if i < 1 else 'e'}{i} 1\n" for i in range(16)))
        got = json.loads(self.run_it("--json", "eval", "relevance", "--run", "run", "--judgments", "q", "--metric", "p@2").stdout)
        self.assertEqual(got["metrics"], {"p@2": float(f"{0.5 / 16:.4f}")})

    def test_ratings_that_would_be_lost_are_refused(self):
        (self.dir / "run").write_text("q1 Q0 d1 1 0.5 x\n")
        for text, says in (('{"query": "q1", "id": "d1", "rating": true}\n', "j:1: is not"),
                           ('{"judgmentRatings": [{"query": "q1", "ratings": [{"docId": "d1"}]}]}',
                            "the rating of d1 is no number")):
            (self.dir / "j").write_text(text)
            self.fails("eval", "relevance", "--run", "run", "--judgments", "j", status=1, says=says)

    def test_ratings_may_be_fractions(self):
        ratings = {"d1": 0.7, "d2": 0.4, "d3": 1}
        (self.dir / "run").write_text("".join(f"q1 Q0 {d} 1 {s} x\n" for d, s in (("d2", 0.9), ("d1", 0.8), ("d3", 0.7))))
        (self.dir / "j").write_text("".join(json.dumps({"query": "q1", "id": d, "rating": r}) + "\n" for d, r in ratings.items()))
        gains = [2 ** ratings[d] - 1 for d in ("d2", "d1", "d3")]
        dcg = [sum(g / math.log2(i + 2) for i, g in enumerate(order)) for order in (gains, sorted(gains, reverse=True))]
        got = json.loads(self.run_it("--json", "eval", "relevance", "--run", "run", "--judgments", "j", "--like", "quepid",
                                     "--metric", "ndcg@10", "--metric", "p@3").stdout)
        self.assertAlmostEqual(got["metrics"]["ndcg@10"], dcg[0] / dcg[1], places=8)
        self.assertEqual(got["metrics"]["p@3"], 1)
        for fmt in ("jsonl", "srw", "quepid"):
            self.run_it("eval", "judgments", "convert", "j", f"out.{fmt}", "--to", fmt)
            back = self.run_it("eval", "judgments", "convert", f"out.{fmt}", "-", "--to", "jsonl").stdout
            self.assertEqual({row["id"]: row["rating"] for row in map(json.loads, back.splitlines())}, ratings)
        self.fails("eval", "judgments", "convert", "j", "out", "--to", "trec", status=1, says="d1: a rating that is a fraction")

    def test_an_output_may_be_a_pipe(self):
        (self.dir / "j").write_text('{"query": "q1", "id": "d1", "rating": 2}\n')
        done = self.run_it("eval", "judgments", "convert", "j", "/dev/stdout", "--to", "trec")
        self.assertEqual(done.stdout, b"q1 0 d1 2\n")

    def test_faults_name_file_and_line(self):
        (self.dir / "nan").write_text("q1 Q0 d1 1 nan x\n")
        (self.dir / "q").write_text("q1 0 d1 1\n")
        self.fails("eval", "relevance", "--run", "nan", "--judgments", "q", status=1, says="nan:1")
        for name, text, says in (("a.txt", "q 0 d\n", "a.txt:1: is not"), ("b.txt", "q 0 d x\n", "b.txt:1: the rating"),
                                 ("c.csv", "query,title\nx,y\n", "c.csv: has no columns"),
                                 ("d.json", '{"queries": 3}', "d.json: has neither"), ("e.txt", "", "e.txt: holds no")):
            (self.dir / name).write_text(text)
            self.fails("eval", "relevance", "--run", self.REF / "run.txt", "--judgments", name, status=1, says=says)
        (self.dir / "run").write_text("q Q0 d 1\n")
        self.fails("eval", "relevance", "--run", "run", "--judgments", self.REF / "qrels.txt", status=1, says="run:1: is not")
        self.fails("eval", "relevance", "--run", "x", "--judgments", self.REF / "qrels.txt", "--metric", "p", status=2,
                   says="--metric p: is none of")


class Refusals(Eval):
    def test_wrong_usage_is_said(self):
        self.fails("-m", MODEL, "eval", status=2, says="zeroshot, probe, retrieval, relevance")
        self.fails("-m", MODEL, "eval", "zeroshot", status=2, says="one folder or manifest")
        self.fails("-m", MODEL, "eval", "zeroshot", "nowhere", status=1, says="nowhere")
        (self.dir / "empty").mkdir()
        self.fails("-m", MODEL, "eval", "zeroshot", "empty", status=1, says="has no folders with sounds")


if __name__ == "__main__":
    main()
