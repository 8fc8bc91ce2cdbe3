#!/usr/bin/env python3
"""libearshot as a stranger meets it: installed, found by pkg-config, compiled against and run.

    test_install.py EARSHOT      prints TAP; the program's folder is the build to install. Needs meson, pkg-config, a C compiler, nm and ffmpeg.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from cli import EARSHOT, MODEL, ROOT, main, tone  # noqa: E402

BUILD = pathlib.Path(EARSHOT).parent
MAP = ROOT / "src/api/libearshot.map"


def run(*command, **how):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **how)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.folder.name)
        done = run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.dir / "root")
        assert done.returncode == 0, done.stdout + done.stderr
        cls.pc = next((cls.dir / "root").rglob("earshot.pc"))
        cls.lib = cls.pc.parent.parent
        cls.env = dict(os.environ, PKG_CONFIG_PATH=str(cls.pc.parent), PKG_CONFIG_SYSROOT_DIR=str(cls.dir / "root"),
                       LD_LIBRARY_PATH=str(cls.lib))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def compile(self, source, program):
        flags = run("pkg-config", "--cflags", "--libs", "earshot", env=self.env).stdout.split()
        self.assertIn("-learshot", flags)
        done = run("cc", "-std=c99", "-Wall", "-Wextra", "-Werror", source, *flags, "-o", program)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_example_finds_the_sound_it_indexed(self):
        (self.dir / "sounds").mkdir()
        for name, pitch in (("low hum", 80), ("high whistle", 3000)):
            tone(self.dir / "sounds" / f"{name}.wav", hertz=pitch)
        self.compile(ROOT / "docs/example.c", self.dir / "example")
        done = run(self.dir / "example", MODEL, self.dir / "sounds", "whistle", cwd=self.dir, env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("2 sounds added\n"), done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 3, done.stdout)
        self.assertIn("high whistle.wav", done.stdout)

    def test_the_example_says_what_is_wrong(self):
        self.compile(ROOT / "docs/example.c", self.dir / "example2")
        done = run(self.dir / "example2", self.dir / "no-model", self.dir, "x", cwd=self.dir, env=self.env)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no-model", done.stderr)

    def test_an_older_program_with_shorter_structs_still_works(self):
        source = self.dir / "older.c"
        source.write_text("""#include <earshot.h>
#include <stdio.h>
int main(int count, char **args) {
    struct { size_t size; const char *library, *model; } options = {sizeof options, args[1], NULL};
    earshot *e;
    earshot_status status = earshot_open((earshot_options *)&options, &e);
    printf("%d %d\\n%s\\n", count, status, earshot_message());
    return 0;
}
""")
        self.compile(source, self.dir / "older")
        done = run(self.dir / "older", self.dir / "nowhere", env=self.env)
        self.assertEqual(done.stdout.splitlines()[0], "2 2", done.stdout)
        self.assertIn("nowhere", done.stdout)

    def test_the_header_compiles_as_cpp(self):
        done = run("c++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", ROOT / "include/earshot.h")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_only_what_the_map_names_can_be_seen(self):
        library = next(self.lib.glob("libearshot.so.?"))
        seen = set(re.findall(r" [TDB] (\w+)@", run("nm", "-D", "--defined-only", library).stdout))
        declared = set(re.findall(r"EARSHOT_API .*?\b(earshot_\w+)\(", (ROOT / "include/earshot.h").read_text(), re.S))
        self.assertEqual(seen, declared)
        self.assertEqual(set(re.findall(r"(earshot_\w+);", MAP.read_text())), declared)


if __name__ == "__main__":
    main()
