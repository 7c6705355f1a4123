"""Installs imgen into a folder of its own and compiles the programs of docs/api.md through pkg-config
against the shared and the static library, whichever of them are built, as C and as C++. One draws from a
run that is trained first, and from the one that the other trains. Each header stands alone, in both
languages, imgen.h brings all of them, and the library exports names of its own only."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

source, build = map(pathlib.Path, sys.argv[1:3])
# what the static library was built with needs its runtime
instruments = [] if sys.argv[3] == "none" else [f"-fsanitize={sys.argv[3]}"]
instruments += ["--coverage"] if sys.argv[4] == "true" else []


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def check_headers(compiler, ending, *flags):
    """That each installed header says all that it needs."""
    [top] = folder.rglob("include/imgen")
    alone = folder / f"headers-{ending}"
    alone.mkdir()
    for header in top.rglob("*.h"):
        name = header.relative_to(top)
        (alone / f"{str(name).replace('/', '-')}.{ending}").write_text(f"#include <{name}>\n")
    run(*compiler, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *flags, f"-I{top}", *alone.iterdir())


def check_imgen_h(compiler):
    """That imgen.h brings every other header."""
    [top] = folder.rglob("include/imgen")
    brought = {pathlib.Path(path).resolve() for path in run(*compiler, "-M", top / "imgen.h", f"-I{top}").split()
               if path.endswith(".h")}
    left_out = {str(header.relative_to(top)) for header in top.rglob("*.h") if header.resolve() not in brought}
    assert not left_out, f"imgen.h lacks {sorted(left_out)}"


def exported(kind, library):
    """The names that a library defines for others."""
    where = ["-D"] if kind == "shared" else ["-g"]
    lines = run("nm", *where, "--defined-only", library).splitlines()
    return [line.split()[2] for line in lines if len(line.split()) == 3]


cc = shlex.split(os.environ.get("CC", "cc"))
cxx = shlex.split(os.environ.get("CXX", "c++"))
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", folder)
    [config] = folder.rglob("imgen.pc")
    prefix = re.search(r"^prefix=(.*)", config.read_text(), re.M)[1]
    config.write_text(config.read_text().replace(f"prefix={prefix}", f"prefix={folder}{prefix}"))
    env = dict(os.environ, PKG_CONFIG_PATH=str(config.parent))
    program, own = folder / "draw.c", folder / "own.c"
    texts = re.findall(r"```c\n(.*?)```", (source / "docs/api.md").read_text(), re.S)
    for path, text in zip([program, own], texts, strict=True):
        path.write_text(text)

    [imgen] = folder.rglob("bin/imgen")
    trained = folder / "run"
    libraries = {**os.environ, "LD_LIBRARY_PATH": str(config.parent.parent)}
    run(imgen, "train", "vae", "--steps", "2", "--batch", "8", "--set", "arch=mlp", "--out", trained,
        env=libraries)
    languages = [(cc, ["-std=c17"], "c")]
    if shutil.which(cxx[0]) and not instruments:  # whose runtimes are of one compiler
        languages.append((cxx, ["-x", "c++", "-std=c++20"], "cc"))
    for compiler, standard, ending in languages:
        check_headers(compiler, ending, *standard)
    check_imgen_h(cc)
    pictures = []
    built = {"shared": [*folder.rglob("libimgen.so.*.*")], "static": [*folder.rglob("libimgen.a")]}
    assert any(built.values())
    for kind in [kind for kind, files in built.items() if files]:
        static = ["--static"] if kind == "static" else []
        flags = shlex.split(run("pkg-config", "--cflags", "--libs", *static, "imgen", env=env))
        if static:
            # OpenBLAS names gfortran for those who link it statically too; here it stays shared
            flags = ["-l:libimgen.a" if f == "-limgen" else f for f in flags if f != "-lgfortran"]
        for compiler, standard, ending in languages:
            binary = folder / f"draw-{kind}-{ending}"
            run(*compiler, *standard, "-Wall", "-Werror", *instruments, program, "-x", "none", "-o", binary, *flags)
            picture = folder / f"sixteen-{kind}-{ending}.png"
            printed = run(binary, trained, picture, env=libraries)
            assert printed == "", f"the library printed {printed!r}"
            pictures.append(picture.read_bytes())
            trainer = folder / f"own-{kind}-{ending}"
            run(*compiler, *standard, "-Wall", "-Werror", *instruments, own, "-x", "none", "-o", trainer, *flags)
            squares = folder / f"squares-{kind}-{ending}"  # a run with labels
            printed = run(trainer, squares, env=libraries).splitlines()
            losses = [float(line.split()[-1]) for line in printed[:-1]]
            assert printed[-1].startswith("test images: ") and losses[-1] < losses[0], printed
            run(binary, squares, folder / "squares.png", env=libraries)
        names = exported(kind, built[kind][0])
        assert "ig_run_open" in names, names
        if not instruments:
            foreign = [name for name in names if not name.startswith("ig_")]
            assert not foreign, f"{kind}: {foreign}"
    assert pictures[0][:8] == b"\x89PNG\r\n\x1a\n"
    assert len(set(pictures)) == 1

    for shared in built["shared"]:
        assert "libcurl" not in run("ldd", shared), "libimgen links libcurl"
    assert [p for p in folder.rglob("imgen.1*")], "no man page is installed"
print("the programs of docs/api.md build, shared and static, train, and draw the same 16 images as C and as C++")
