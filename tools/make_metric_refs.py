#!/usr/bin/env python3
"""Records what trec_eval (through pytrec_eval) says of random runs and judgments: tests/ref/metrics.

    pip install pytrec_eval-terrier && tools/make_metric_refs.py

Besides, what Quepid's and the Search Relevance Workbench's definitions give, computed here from their formulas alone:
gain 2^r − 1, discount log2(rank + 1); Quepid's ideal is not cut and P@k divides by what came; the workbench's ideal is cut
at k, P@k divides by min(k, returned), and each query is rounded to two decimals.
"""
import json
import math
import pathlib
import random

import pytrec_eval

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/ref/metrics"
NAMES = {"ndcg@5": "ndcg_cut_5", "ndcg@10": "ndcg_cut_10", "ndcg": "ndcg", "p@5": "P_5", "p@10": "P_10", "recall@10": "recall_10",
         "map": "map", "map@10": "map_cut_10", "rr": "recip_rank", "bpref": "bpref"}
MEASURES = {"ndcg_cut", "ndcg", "P", "recall", "map", "map_cut", "recip_rank", "bpref"}


def draw(seed):
    dice = random.Random(seed)
    qrels, run = {}, {}
    for q in range(40):
        documents = [f"d{i}" for i in range(60)]
        judged = dice.sample(documents, dice.randrange(1, 30))
        qrels[f"q{q}"] = {d: dice.choice([0, 0, 0, 1, 1, 2, 3]) for d in judged}
        returned = dice.sample(documents, dice.randrange(1, 40))
        run[f"q{q}"] = {d: round(dice.uniform(0, 4), 1) for d in returned}  # many ties
    return qrels, run


def ranked(run):
    return sorted(run, key=lambda d: (run[d], d), reverse=True)


def gain(rating):
    return 2**rating - 1 if rating > 0 else 0


def dcg(ratings):
    return sum(gain(r) / math.log2(i + 2) for i, r in enumerate(ratings))


def others(qrels, run, like):
    rows = {}
    for query, hits in run.items():
        judged = qrels[query]
        ratings = [judged.get(d, 0) for d in ranked(hits)]
        ideal = sorted(judged.values(), reverse=True)
        best = dcg(ideal if like == "quepid" else ideal[:10])
        top = ratings[:10]
        row = {"ndcg@10": dcg(top) / best if best else 0.0, "p@10": sum(r > 0 for r in top) / len(top)}
        relevant, found, total = sum(r > 0 for r in judged.values()), 0, 0.0
        for i, r in enumerate(ratings):
            if r > 0:
                found += 1
                total += found / (i + 1)
        row["map"] = total / relevant if relevant else 0.0
        goes_on, err = 1.0, 0.0
        for i, r in enumerate(top):
            stops = gain(r) / 2**3
            err += goes_on * stops / (i + 1)
            goes_on *= 1 - stops
        row["err@10"] = err
        rows[query] = {n: math.floor(v * 100 + 0.5) / 100 for n, v in row.items()} if like == "srw" else row
    return rows


def main():
    qrels, run = draw(3)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "qrels.txt").write_text("".join(f"{q} 0 {d} {r}\n" for q, rows in qrels.items() for d, r in rows.items()))
    (OUT / "run.txt").write_text("".join(f"{q} Q0 {d} 0 {s} x\n" for q, rows in run.items() for d, s in rows.items()))
    trec = pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(run)
    wanted = {"trec": {q: {ours: row[theirs] for ours, theirs in NAMES.items()} for q, row in trec.items()},
              "quepid": others(qrels, run, "quepid"), "srw": others(qrels, run, "srw")}
    (OUT / "wanted.json").write_text(json.dumps(wanted, indent=0) + "\n")


if __name__ == "__main__":
    main()
