#!/usr/bin/env python3
"""Shows that the build enforces the module table: for each module, every header of its own and of the modules it sees
compiles alone, and every header of a module or outside library that its row does not name stops the compiler.

Usage: check_layers.py BUILD_DIR.  Reads compile_commands.json of a build made by meson.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]


def module_commands(build):
    """{module: compiler command line without file and output}, taken from one source file of each."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(os.path.normpath(os.path.join(entry["directory"], entry["file"])))
        if path.parent.parent != ROOT / "src":
            continue
        args = shlex.split(entry["command"])
        cut = args.index("-o") if "-o" in args else len(args)
        kept = [a for a in args[:cut] if a not in ("-MD", "-MQ", "-MF") and not a.endswith((".o", ".d"))]
        commands.setdefault(path.parent.name, (entry["directory"], kept))
    return commands


def compiles(command, includes):
    directory, args = command
    text = "".join(f'#include "{name}"\n' for name in includes)
    done = subprocess.run(args + ["-fsyntax-only", "-w", "-x", "c", "-"], cwd=directory, input=text,
                          capture_output=True, text=True)
    return done.returncode == 0, done.stderr.strip().split("\n")[0]


def expectations(commands):
    """(module, header, should compile, what is wrong if not) for all pairs."""
    table = (ROOT / "meson.build").read_text()
    rows = {m[1]: set(re.findall(r"'(\w+)'", m[2])) for m in
            re.finditer(r"'(\w+)': \{.*?'sees': \[(.*?)\]", table, re.S)}
    named = {m[1]: set(re.findall(r"'(\w+)'", m[2])) for m in
             re.finditer(r"'(\w+)': \{[^}]*?'libs': \[(.*?)\]", table, re.S)}
    headers = {name: sorted(p.name for p in (ROOT / "src" / name).glob("*.h")) for name in rows}
    denied = {lib.name: sorted(str(p.relative_to(lib)) for p in lib.rglob("*.h")) for lib in (ROOT / "deny").iterdir()}
    for module in commands:
        for other, names in headers.items():
            if other == module:
                for name in names:
                    yield module, name, True, f"src/{other}/{name}: does not compile alone"
            elif other not in rows[module] and names:
                yield module, names[0], False, f"src/{module}: can include {names[0]} of {other}, which its row does not name"
        for lib, names in denied.items():
            for name in names:
                if lib not in named[module]:
                    yield module, name, False, f"src/{module}: can include {name} of {lib}, which its row does not name"


def undenied():
    """Headers of outside libraries that src/ includes and deny/ does not hold, so that no row would keep them out."""
    denied = {str(p.relative_to(lib)) for lib in (ROOT / "deny").iterdir() for p in lib.rglob("*.h")}
    known = {name.split("/")[0] for name in denied}
    for source in sorted((ROOT / "src").rglob("*.[ch]")):
        for name in re.findall(r"^#include <(.+)>", source.read_text(), re.M):
            if name.split("/")[0] in known and name not in denied:
                yield f"deny/: lacks {name}, which {source.relative_to(ROOT)} includes"


def main():
    build = pathlib.Path(sys.argv[1])
    commands = module_commands(build)
    cases = list(expectations(commands))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda case: compiles(commands[case[0]], [case[1]]), cases))
    missing = list(undenied())
    print("\n".join(missing), end="\n" if missing else "")
    faults = len(missing)
    for (module, header, wanted, message), (got, said) in zip(cases, results):
        if got != wanted:
            faults += 1
            print(f"{message}{' (' + said + ')' if wanted else ''}")
    if not any(case[2] for case in cases) or all(case[2] for case in cases):
        faults += 1
        print("check_layers: nothing was compared")
    return faults > 0


if __name__ == "__main__":
    sys.exit(main())
