"""Files of imgen in the safetensors package, and the other way round.

usage: safetensors_peer.py PEER, the program built from safetensors_peer.c. Exit status 77: skipped.
"""

import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import safetensors
    from safetensors.numpy import load_file, save_file
except ImportError as error:
    print(f"skipped: {error}: needs Python's numpy and safetensors")
    sys.exit(77)


def read_ours(peer, path):
    subprocess.run([peer, "write", path], check=True)
    x = (np.arange(24, dtype=np.float32) / np.float32(3) - np.float32(1)).astype(np.float32)
    expected = {
        "conv.weight": x.reshape(2, 3, 2, 2),
        "fc.bias": x[7:12],
        "scalar": x[1].reshape(()),
        "empty": np.zeros((3, 0), np.float32),
    }
    found = load_file(path)
    assert found.keys() == expected.keys(), found.keys()
    for name, values in expected.items():
        assert found[name].dtype == np.float32, name
        assert found[name].shape == values.shape, (name, found[name].shape)
        assert found[name].tobytes() == values.tobytes(), (name, found[name], values)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata() == {"model": "vae", "note": '"café"\n'}, file.metadata()


def line_of(name, values):
    shape = "x".join(map(str, values.shape))
    bits = [f"{b:08x}" for b in values.reshape(-1).view(np.uint32)]
    return " ".join([name, shape, *bits])


def write_theirs(peer, path):
    generator = np.random.default_rng(1)
    floats = {
        "w": generator.normal(size=(3, 5)).astype(np.float32),
        "naïve": generator.normal(size=(2, 1, 3, 2)).astype(np.float32),
        "scalar": np.array(np.float32(0.1)).reshape(()),
    }
    others = {"half": np.ones(3, np.float16), "bytes": np.arange(5, dtype=np.uint8), "long": np.arange(2)}
    save_file({**floats, **others}, path, metadata={"model": "théirs"})
    listed = subprocess.run([peer, "list", path], check=True, capture_output=True, encoding="utf-8").stdout
    lines = listed.splitlines()
    assert lines[0] == "model=théirs", lines[0]
    expected = [line_of(name, values) for name, values in floats.items()]
    expected += [f"{name} unreadable" for name in others]
    assert sorted(lines[1:]) == sorted(expected), (lines[1:], expected)


def refuse_half(peer, path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    result = subprocess.run([peer, "list", path], capture_output=True, encoding="utf-8")
    assert result.returncode == 1 and "cut" in result.stderr, result


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "a.safetensors"
    read_ours(sys.argv[1], path)
    write_theirs(sys.argv[1], path)
    refuse_half(sys.argv[1], path)
print(f"safetensors {safetensors.__version__}: both ways agree")
