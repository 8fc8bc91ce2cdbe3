"""What the tests of the command line share: running it in a folder of its own, sounds to feed it, and TAP.

The program under test is the first argument of the test that imports this.
"""
import io
import json
import math
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import wave

EARSHOT = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/ref/models/unfused"
FUSED = ROOT / "tests/ref/models/fused"
HERE = pathlib.Path(__file__).parent


def tone(path, seconds=1.0, hertz=440, rate=48000, channels=1):
    with wave.open(os.fspath(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        frames = (int(9000 * math.sin(2 * math.pi * hertz * i / rate)) for i in range(int(seconds * rate)))
        out.writeframes(b"".join(struct.pack("<h", s) * channels for s in frames))
    return path


class Cli(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="earshot-cli-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.env = {**os.environ, "XDG_DATA_HOME": str(self.dir / "data"), "LC_ALL": "C"}
        for name in ("HF_ENDPOINT", "HF_TOKEN", "NO_COLOR", "EARSHOT_LIBRARY"):
            self.env.pop(name, None)

    def run_it(self, *args, status=0, stdin=b"", **more):
        done = subprocess.run([EARSHOT, *map(os.fspath, args)], input=stdin, capture_output=True, cwd=self.dir,
                              env={**self.env, **more}, timeout=120)
        self.assertEqual(done.returncode, status, f"{args}: {done.stderr.decode(errors='replace')}")
        return done

    def fails(self, *args, status, says):
        """One line on stderr that begins with the program's name."""
        done = self.run_it(*args, status=status)
        text = done.stderr.decode(errors="replace")
        self.assertTrue(text.startswith("earshot: "), text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertIn(says, text)
        return done

    def rows(self, *args, **more):
        return [json.loads(line) for line in self.run_it(*args, **more).stdout.splitlines()]


class Tap(unittest.TextTestResult):
    """Counts and names each test as a TAP line."""
    count = 0

    def line(self, test, ok, note=""):
        Tap.count += 1
        print(f"{'ok' if ok else 'not ok'} {Tap.count} - {test.id().removeprefix('__main__.')}{note}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(test, True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(test, False)

    def addError(self, test, err):
        super().addError(test, err)
        self.line(test, False)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(test, True, f" # SKIP {reason}")


def main():
    """Runs the tests of the program that was started, and leaves non-zero when one fails."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    log = io.StringIO()
    result = unittest.TextTestRunner(stream=log, resultclass=Tap, verbosity=0).run(suite)
    print(f"1..{Tap.count}")
    if not result.wasSuccessful():
        print(log.getvalue(), file=sys.stderr)
    sys.exit(not result.wasSuccessful())
