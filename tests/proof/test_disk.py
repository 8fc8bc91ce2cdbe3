#!/usr/bin/env python3
"""A disk that is full, files that may not grow, a library and sounds that may only be read: one line says so, nothing that
was finished is lost, and the same command goes on once it can.

    test_disk.py EARSHOT [--long]      prints TAP. Needs Python's standard library only.

The disk is a tmpfs in a mount namespace of this program's own, so that no mount outlives it; where that may not be made the
tests that need it are skipped, and say why.
"""
import os
import resource
import shutil
import subprocess
import sys

from proof import EARSHOT, LONG, MODEL, QUERY, Proof, prove, say

DISK = 4 << 20  # bytes
ROUNDS = 60 if LONG else 6
LOG_INDEX = 64 << 10  # bytes, with room to spare: what a reader needs where a writer left changes in the log
FILE_LIMITS = (0, 1000, 20_000, 60_000, 100_000)
NOBODY = 65534
OWN_MOUNTS = "--own-mounts"  # given to ourselves, once that is so


def start_with_own_mounts():
    """Starts this program once more, where that is allowed."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if OWN_MOUNTS in sys.argv or not shutil.which("unshare"):
        return
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode == 0:
        os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv, OWN_MOUNTS])


class Disk(Proof):
    def setUp(self):
        super().setUp()
        self.folder_of_sounds(10)
        self.disk = self.dir / "disk"
        self.disk.mkdir()
        self.library = self.disk / "library"

    def mount(self):
        if OWN_MOUNTS not in sys.argv:
            self.skipTest("no mount namespace can be made")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)

    def index(self, *more):
        return ["index", "-q", "-L", self.library, "-m", MODEL, self.sounds, *more]

    def fails_in_one_line(self, done, *says):
        text = done.stderr.decode(errors="replace")
        self.assertEqual((done.returncode, text.count("\n")), (1, 1), text)
        self.assertTrue(text.startswith("earshot: "), text)
        self.assertTrue(any(word in text for word in says), text)

    def start(self, command, **more):
        return subprocess.run([EARSHOT, *map(os.fspath, command)], capture_output=True, cwd=self.dir, env=self.env,
                              timeout=120, **more)


class Full(Disk):
    """Each command with so little room that it ends somewhere in the middle."""
    def fill(self, room):
        stat = os.statvfs(self.disk)
        free = stat.f_bavail * stat.f_frsize
        (self.disk / "ballast").write_bytes(b"\0" * max(free - room, 0))

    def lay_out(self, base):
        for path in self.disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if base:
            shutil.copytree(base, self.library)

    def used(self):
        stat = os.statvfs(self.disk)
        return (stat.f_blocks - stat.f_bavail) * stat.f_frsize

    def whole_clips(self, base, check=True):
        """What is in the library, with the disk all but full; a new one may not have come to be."""
        done = self.start(["list", "-L", self.library])
        if done.returncode == 1 and done.stderr.endswith(b": the disk is full\n"):  # SQLite maps its log in a file
            ballast = self.disk / "ballast"
            os.truncate(ballast, max(ballast.stat().st_size - LOG_INDEX, 0))
            done = self.start(["list", "-L", self.library])
        if not base and done.returncode == 1 and done.stderr.rstrip().endswith((b"there is no library", b"is empty",
                                                                                     b"makes all of it")):
            return {}
        return self.sound_library(self.library, check)

    def prove(self, command, base=None, whole=True):
        """whole: the library is so before the command."""
        self.lay_out(base)
        before = self.clips(base) if base else {}
        used = self.used()
        self.run_it(*command)
        after = self.sound_library(self.library)
        need = self.used() - used
        failed = 0
        for room in [0, *(self.random.randint(0, 2 * need) for _ in range(ROUNDS - 1))]:
            self.lay_out(base)
            self.fill(room)
            done = self.start(command)
            if done.returncode:
                self.fails_in_one_line(done, "full", "No space left")
            now = self.whole_clips(base, check=whole)
            self.assertLessEqual(before.keys() & after.keys(), now.keys())
            for id, clip in now.items():
                self.assertIn(clip, [side[id] for side in (before, after) if id in side])
            (self.disk / "ballast").unlink()
            self.run_it(*command)
            self.assertEqual(self.sound_library(self.library), after)
            failed += done.returncode != 0
        self.assertGreater(failed, 0)
        say(f"{self.id().removeprefix('__main__.')}: {failed} of {ROUNDS} runs had no room; {need} bytes are used")

    def make_base(self):
        base = self.dir / "base"
        self.run_it("index", "-q", "-L", base, "-m", MODEL, self.sounds)
        return base

    def test_index_of_a_new_library(self):
        self.mount()
        self.prove(self.index())

    def test_index_of_more(self):
        self.mount()
        base = self.make_base()
        self.folder_of_sounds(10)
        self.prove(self.index(), base)

    def test_index_files_that_are_made_anew(self):
        self.mount()
        base = self.make_base()
        for path in base.glob("*.index"):
            path.unlink()
        self.prove(self.index(), base, whole=False)

    def test_edit(self):
        self.mount()
        base = self.make_base()
        path = next(self.sounds.rglob("*.wav"))
        self.prove(["edit", "-L", self.library, path, f"description={'rain and wind ' * 5000}"], base)

    def test_import_and_copy(self):
        self.mount()
        base = self.make_base()
        self.run_it("export", "--vectors", "-L", base, "-o", "all.jsonl")
        self.prove(["import", "-q", "-L", self.library, "all.jsonl"])
        self.prove(["copy", "-q", "-L", base, self.library])

    def test_export_that_has_no_room_leaves_the_file_that_was(self):
        self.mount()
        base = self.make_base()
        out = self.disk / "out.jsonl"
        out.write_text("what was\n")
        for room in (0, 4096, 8192):
            self.fill(room)
            self.fails_in_one_line(self.start(["export", "--vectors", "-L", base, "-o", out]), "full")
            self.assertEqual(out.read_text(), "what was\n")
            (self.disk / "ballast").unlink()
            self.assertEqual(sorted(path.name for path in self.disk.iterdir()), ["out.jsonl"])
        self.run_it("export", "--vectors", "-L", base, "-o", out)
        self.assertEqual(len(out.read_text().splitlines()), 10)

    def test_files_that_may_not_grow(self):
        """As a quota does it; needs no mount."""
        self.run_it(*self.index())
        after = self.sound_library(self.library)
        for limit in FILE_LIMITS:
            shutil.rmtree(self.library)
            done = self.start(self.index(),
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            self.fails_in_one_line(done, os.fspath(self.library))
            now = self.whole_clips(None)
            self.assertLessEqual(now.items(), after.items())
            self.run_it(*self.index())
            self.assertEqual(self.sound_library(self.library), after)


class ReadOnly(Disk):
    READING = (["list"], ["list", "--json"], ["stats"], ["check"], ["export", "--vectors"],
               ["search", "--mode", "bm25", "rain"], ["search", "--mode", "vector", "--format", "trec", QUERY],
               ["search", "--mode", "vector", "--format", "trec", "--exact", QUERY])

    def user(self):
        """What to start with so that permissions count: root's do not."""
        if os.geteuid() or OWN_MOUNTS in sys.argv and not self.is_real_root():
            return []
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    def is_real_root(self):
        with open("/proc/self/uid_map") as numbers:
            return numbers.read().split()[1] == "0"

    def start_as(self, user, command):
        return subprocess.run([*user, EARSHOT, *map(os.fspath, command)], capture_output=True, cwd=self.dir,
                              env={**self.env, "XDG_DATA_HOME": os.fspath(self.dir / "nowhere")}, timeout=120)

    def all_reading(self, user=()):
        output = []
        for args in self.READING:
            done = self.start_as(user, [args[0], "-L", self.library, *args[1:]])
            self.assertEqual((done.returncode, done.stderr), (0, b""), args)
            output.append(done.stdout)
        done = self.start_as(user, ["show", "-L", self.library, next(self.sounds.rglob("*.wav"))])
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return output

    def all_writing_fails(self, user, *says):
        path = next(self.sounds.rglob("*.wav"))
        for command in (self.index(), ["edit", "-L", self.library, path, "mood=x"], ["remove", "-L", self.library, path],
                        ["check", "--repair", "-L", self.library], ["import", "-L", self.library, "all.jsonl"]):
            self.fails_in_one_line(self.start_as(user, command), *says)

    def make(self):
        self.run_it(*self.index())
        self.run_it("export", "--vectors", "-L", self.library, "-o", "all.jsonl")

    def test_a_disk_that_is_read_only(self):
        self.mount()
        self.make()
        wanted = self.all_reading()
        subprocess.run(["mount", "-o", "remount,ro", self.disk], check=True)
        self.assertEqual(self.all_reading(), wanted)
        self.all_writing_fails((), "read-only")
        self.assertEqual(self.all_reading(), wanted)

    def test_a_folder_that_another_user_may_only_read(self):
        user = self.user()
        if user and not shutil.which("setpriv"):
            self.skipTest("root's permissions are no bar, and there is no setpriv")
        if user and self.start_as(user, ["--version"]).returncode:
            self.skipTest("another user may not start the program where it lies")
        self.make()
        wanted = self.all_reading()
        for path in (self.dir, self.disk, self.library, self.dir / "all.jsonl", *self.library.iterdir()):
            path.chmod(0o555 if path.is_dir() else 0o444)
        self.addCleanup(os.chmod, self.dir, 0o755)
        self.addCleanup(os.chmod, self.disk, 0o755)
        self.addCleanup(os.chmod, self.library, 0o755)
        self.assertEqual(self.all_reading(user), wanted)
        self.all_writing_fails(user, "permission denied", "not allowed")
        self.assertEqual(self.all_reading(user), wanted)

    def test_sounds_that_may_not_be_read_are_named_and_the_others_taken(self):
        user = self.user()
        if user and not shutil.which("setpriv"):
            self.skipTest("root's permissions are no bar, and there is no setpriv")
        if user and self.start_as(user, ["--version"]).returncode:
            self.skipTest("another user may not start the program where it lies")
        files = sorted(self.sounds.rglob("*.wav"))
        hidden = self.sounds / "hidden"
        self.sound("hidden/bell.wav")
        for path, mode in ((self.dir, 0o755), (self.disk, 0o777), (files[0], 0), (hidden, 0)):
            path.chmod(mode)
        self.addCleanup(os.chmod, hidden, 0o755)
        done = self.start_as(user, self.index())
        said = done.stderr.decode()
        self.assertEqual((done.returncode, said.count("\n"), said.count("permission denied")), (3, 2, 2), said)
        self.assertEqual(len(self.sound_library(self.library)), len(files) - 1)
        files[0].chmod(0o644)
        hidden.chmod(0o755)
        self.run_it(*self.index())
        self.assertEqual(len(self.sound_library(self.library)), len(files) + 1)


if __name__ == "__main__":
    start_with_own_mounts()
    prove()
