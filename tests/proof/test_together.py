#!/usr/bin/env python3
"""Several processes at one library: one writes, the others wait or say who holds it; readers never wait and never err.

    test_together.py EARSHOT [--long]      prints TAP. Needs Python's standard library only.
"""
import fcntl
import os
import re
import sqlite3
import subprocess
import threading
import time

from proof import EARSHOT, LONG, MODEL, QUERY, Proof, prove, say

SOUNDS = 400 if LONG else 60
SEARCHES = 500 if LONG else 50
WAIT = 10.0  # seconds that the program waits for another writer


class Together(Proof):
    def setUp(self):
        super().setUp()
        self.library = self.dir / "library"

    def start(self, *args):
        return subprocess.Popen([EARSHOT, *map(os.fspath, args)], cwd=self.dir, env=self.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def index(self, *more, library=None):
        return ["index", "-q", "-L", library or self.library, "-m", MODEL, self.sounds, *more]

    def make(self, count=12):
        self.folder_of_sounds(count)
        self.run_it(*self.index())
        return self.sound_library(self.library)

    def undisturbed(self):
        """What one process makes of the sounds, alone."""
        self.run_it(*self.index(library=self.dir / "undisturbed"))
        return self.clips(self.dir / "undisturbed")

    def reads(self):
        """All that only reads, beside whatever another process does; the hits of the search."""
        for command in ("list", "stats", "export"):
            self.run_it(command, "-L", self.library)
        self.run_it("show", "-L", self.library, next(self.sounds.rglob("*.wav")))
        return self.found(self.library, QUERY)

    # -- locks that another process holds --

    def test_a_writer_lock_that_is_held_lets_readers_in_and_names_its_holder(self):
        self.make()
        path = self.dir / "library/writer.lock"
        with open(path, "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            print(os.getpid(), file=lock, flush=True)
            began = time.monotonic()
            with self.start("edit", "-L", self.library, next(self.sounds.rglob("*.wav")), "mood=x") as run:
                self.assertEqual(len(self.reads()), 12)
                self.assertLess(time.monotonic() - began, WAIT)
                _, said = run.communicate(timeout=60)
            self.assertGreater(time.monotonic() - began, 0.9 * WAIT)
        self.assertEqual((run.returncode, said.count(b"\n")), (1, 1), said)
        self.assertIn(f"process {os.getpid()} is writing".encode(), said)

    def test_a_lock_that_is_let_go_in_time_is_waited_for(self):
        self.make()
        path = next(self.sounds.rglob("*.wav"))
        with open(self.library / "writer.lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            run = self.start("edit", "-L", self.library, path, "mood=calm")
            while run.poll() is None and not self.has_open(run.pid, "writer.lock"):
                time.sleep(0.001)
        _, said = run.communicate(timeout=60)
        self.assertEqual((run.returncode, said), (0, b""))
        self.assertEqual(self.document("show", "-L", self.library, path)["fields"], {"mood": "calm"})

    def has_open(self, pid, name):
        """Whether a process has a file of this name open: it waits at the lock then."""
        folder = f"/proc/{pid}/fd"
        try:
            return any(os.path.basename(os.readlink(f"{folder}/{fd}")) == name for fd in os.listdir(folder))
        except OSError:
            return False

    def test_a_database_that_another_program_holds(self):
        """An exclusive lock, as only another program takes it: one line after the time to wait, and nothing is lost."""
        before = self.make()
        for name in ("library.db-wal", "library.db-shm"):
            (self.library / name).unlink(missing_ok=True)
        other = sqlite3.connect(self.library / "library.db", isolation_level=None)
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            other.execute("BEGIN EXCLUSIVE")
            for command in (["list"], ["edit", next(self.sounds.rglob("*.wav")), "mood=x"]):
                with self.start(*command, "-L", self.library) as run:
                    _, said = run.communicate(timeout=90)
                self.assertEqual((run.returncode, said.count(b"\n")), (1, 1), said)
                self.assertIn(b"locked", said)
        finally:
            other.close()
        self.assertEqual(self.sound_library(self.library), before)

    # -- several at once --

    def test_two_index_at_once(self):
        self.folder_of_sounds(SOUNDS)
        after = self.undisturbed()
        runs = [self.start(*self.index()) for _ in range(2)]
        for run in runs:
            _, said = run.communicate(timeout=300)
            if run.returncode:
                self.assertEqual((run.returncode, said.count(b"\n")), (1, 1), said)
                self.assertRegex(said, rb"process \d+ is writing")
        self.assertIn(0, [run.returncode for run in runs])
        self.assertEqual(self.sound_library(self.library), after)

    def test_shards_at_once(self):
        """Each takes its part; whoever had to wait too long is run again."""
        self.folder_of_sounds(SOUNDS)
        after = self.undisturbed()
        runs = {shard: self.start(*self.index("--shard", f"{shard}/3")) for shard in (1, 2, 3)}
        for shard, run in runs.items():
            _, said = run.communicate(timeout=300)
            if run.returncode:
                self.assertRegex(said, rb"process \d+ is writing")
                self.run_it(*self.index("--shard", f"{shard}/3"))
        self.assertEqual(self.sound_library(self.library), after)

    def test_searches_while_another_process_indexes(self):
        """No error, no wait for the end of it, and of what was there before nothing is ever missing."""
        before = self.make()
        self.folder_of_sounds(SOUNDS, first=100)
        kept = {id for id, clip in before.items() if not any(re.search(r"_.[12].\.wav", path) for path in clip.paths)}
        self.assertTrue(kept)
        stop = threading.Event()
        faults, runs = [], []

        def write():
            """Grows the library, and shrinks it, until it is told to stop."""
            while not stop.is_set():
                for args in (self.index(), ["remove", "-L", self.library, *self.sounds.rglob("*_?[12]?.wav")],
                             ["edit", "-L", self.library, "id:" + min(kept), "mood=x"]):
                    with self.start(*args) as run:
                        _, said = run.communicate(timeout=300)
                    runs.append(args[0])
                    if run.returncode:
                        faults.append(said)

        writer = threading.Thread(target=write)
        writer.start()
        slowest = 0
        try:
            for number in range(SEARCHES):
                began = time.monotonic()
                exact = ["--exact"] if number % 2 else []
                hits = self.found(self.library, "--mode", "vector", *exact, QUERY)
                slowest = max(slowest, time.monotonic() - began)
                self.assertLessEqual(kept, {hit["id"] for hit in hits})
                cosines = [hit["cosine"] for hit in hits]
                self.assertEqual(cosines, sorted(cosines, reverse=True))
        finally:
            stop.set()
            writer.join()
        self.assertEqual(faults, [])
        self.assertLess(slowest, WAIT)
        self.run_it(*self.index())
        self.sound_library(self.library)
        say(f"{SEARCHES} searches beside {len(runs)} writers, the slowest {slowest:.2f} s")


if __name__ == "__main__":
    prove()
