"""Installs imgen into a folder of its own, compiles the program of docs/api.md through pkg-config
against the shared and the static library, whichever of them are built, and runs it on a run that it
trains first."""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

source, build = map(pathlib.Path, sys.argv[1:3])
# what the static library was built with needs its runtime
instruments = [] if sys.argv[3] == "none" else [f"-fsanitize={sys.argv[3]}"]
instruments += ["--coverage"] if sys.argv[4] == "true" else []


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", folder)
    [config] = folder.rglob("imgen.pc")
    prefix = re.search(r"^prefix=(.*)", config.read_text(), re.M)[1]
    config.write_text(config.read_text().replace(f"prefix={prefix}", f"prefix={folder}{prefix}"))
    env = dict(os.environ, PKG_CONFIG_PATH=str(config.parent))
    program = folder / "draw.c"
    program.write_text(re.search(r"```c\n(.*?)```", (source / "docs/api.md").read_text(), re.S)[1])

    [imgen] = folder.rglob("bin/imgen")
    trained = folder / "run"
    libraries = {**os.environ, "LD_LIBRARY_PATH": str(config.parent.parent)}
    run(imgen, "train", "vae", "--steps", "2", "--batch", "8", "--set", "arch=mlp", "--out", trained,
        env=libraries)
    pictures = []
    built = {"shared": [*folder.rglob("libimgen.so.*.*")], "static": [*folder.rglob("libimgen.a")]}
    assert any(built.values())
    for kind in [kind for kind, files in built.items() if files]:
        static = ["--static"] if kind == "static" else []
        flags = shlex.split(run("pkg-config", "--cflags", "--libs", *static, "imgen", env=env))
        if static:
            # OpenBLAS names gfortran for those who link it statically too; here it stays shared
            flags = ["-l:libimgen.a" if f == "-limgen" else f for f in flags if f != "-lgfortran"]
        binary = folder / f"draw-{kind}"
        run(os.environ.get("CC", "cc"), "-std=c17", "-Wall", "-Werror", *instruments, program, "-o", binary, *flags)
        picture = folder / f"sixteen-{kind}.png"
        printed = run(binary, trained, picture, env=libraries)
        assert printed == "", f"the library printed {printed!r}"
        pictures.append(picture.read_bytes())
    assert pictures[0][:8] == b"\x89PNG\r\n\x1a\n"
    assert len(set(pictures)) == 1

    for shared in built["shared"]:
        assert "libcurl" not in run("ldd", shared), "libimgen links libcurl"
    assert [p for p in folder.rglob("imgen.1*")], "no man page is installed"
print("the program of docs/api.md builds, shared and static, and draws the same 16 images")
