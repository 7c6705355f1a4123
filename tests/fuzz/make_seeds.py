"""Writes the seeds of the fuzz targets: FOLDER/TARGET/NAME. Each is a small whole file of its kind,
or one that is hostile in a way that chance would hardly find."""
import gzip
import json
import pathlib
import struct
import sys
import zlib


def idx(*shape, data=None):
    size = 1
    for side in shape:
        size *= side
    body = bytes(i % 4 for i in range(size)) if data is None else data
    return struct.pack(f">I{len(shape)}I", 0x800 | len(shape), *shape) + body


def split(labels, images):
    """The input of fuzz_idx: the length of the labels, the labels, the images."""
    return struct.pack("<H", len(labels)) + labels + images


def packed(content):
    return gzip.compress(content, 9, mtime=0)


def idx_seeds():
    images, labels = idx(7, 4, 5), idx(7)
    yield "plain", split(labels, images)
    yield "unlabelled", split(b"", images)
    yield "packed", split(packed(labels), packed(images))
    yield "two_members", split(b"", packed(images[:50]) + packed(images[50:]))
    yield "bomb", split(b"", packed(images + bytes(1 << 18)))
    yield "promise", split(b"", packed(idx(2**32 - 1, 64, 64, data=b"")))
    yield "overflow", split(b"", idx(2**32 - 1, 2**32 - 1, 2**32 - 1, data=b"1234"))
    yield "cut", split(labels, packed(images)[:-5])


def gzip_seeds():
    for level, content in enumerate([idx(2, 4, 4), idx(9), idx(2, 4, 4) + b"more", idx(3, 64, 64)]):
        yield f"level{level}", bytes([3 * level]) + content


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, *extra, interlace=0, rows=None):
    bits = width * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rows = bytes((1 + (bits + 7) // 8) * height) if rows is None else rows
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) +
            chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def png_seeds():
    palette = chunk(b"PLTE", bytes(range(12)))
    yield "grey", png(5, 3, 8, 0)
    yield "grey1", png(9, 2, 1, 0, chunk(b"tRNS", b"\0\1"))
    yield "grey16", png(3, 2, 16, 0, chunk(b"gAMA", struct.pack(">I", 45455)))
    yield "colour", png(3, 2, 8, 2, chunk(b"tRNS", bytes(6)))
    yield "palette", png(4, 4, 2, 3, palette, chunk(b"tRNS", b"\0\x80"))
    yield "alpha", png(3, 3, 16, 6)
    yield "grey_alpha", png(3, 3, 8, 4)
    yield "interlaced", png(9, 9, 8, 0, interlace=1, rows=bytes(120))
    yield "texts", png(2, 2, 8, 0, chunk(b"tEXt", b"Seed\x007"), chunk(b"zTXt", b"Long\0\0" + zlib.compress(b"a" * 99)),
                       chunk(b"iTXt", b"Command\0\0\0en\0\0imgen sample"))
    yield "text_bomb", png(2, 2, 8, 0, chunk(b"zTXt", b"Bomb\0\0" + zlib.compress(bytes(1 << 22), 9)))
    yield "profile", png(2, 2, 8, 2, chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(200))))
    yield "animated", png(2, 2, 8, 0, chunk(b"acTL", struct.pack(">II", 2, 0)))
    yield "huge", png(60000, 60000, 8, 0, rows=b"0")


def npy(descr, shape, data, version=1, order="False", end=""):
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}{end}\n".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def npy_seeds():
    yield "bytes", npy("|u1", "(7, 4, 5)", bytes(140))
    yield "floats", npy("<f4", "(7, 4, 4, 1)", struct.pack("<112f", *[i / 112 for i in range(112)]))
    yield "vector", npy("<f4", "(3,)", bytes(12), 2)
    yield "fortran", npy("|u1", "(2, 3)", bytes(6), 3, "True")
    yield "nan", npy("<f4", "(7, 4, 4)", b"\xff" * 448)
    yield "empty", npy("|u1", "(0, 2147483647, 2147483647, 2147483647)", b"")
    yield "empty_last", npy("|u1", "(2147483647, 2147483647, 3, 0)", b"")


def safetensors(tensors, texts=None, data=None):
    """tensors: name -> (dtype, shape, values)"""
    header, at, body = {}, 0, b""
    if texts:
        header["__metadata__"] = texts
    for name, (dtype, shape, values) in tensors.items():
        body += values
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(values)]}
        at += len(values)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + (body if data is None else data)


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def safetensors_seeds():
    yield "two", safetensors({"a": ("F32", [2, 3], floats(*range(6))), "b": ("I64", [], bytes(8))}, {"k": "v"})
    yield "dtypes", safetensors({"c": ("BF16", [3], bytes(6)), "d": ("F4", [2, 2], bytes(2)), "e": ("BOOL", [0], b"")})
    yield "mixture", safetensors({"weight": ("F32", [2], floats(.25, .75)), "mean": ("F32", [2, 1], floats(1, 2)),
                                  "factor": ("F32", [2, 1, 1], floats(1, 1))})
    yield "empty", safetensors({"z": ("F32", [2**62, 4, 0], b"")})
    yield "deep", struct.pack("<Q", 4000) + b"[" * 4000


def checkpoint_seeds():
    shapes = {"layer.weight": [2, 3], "layer.bias": [2]}
    tensors = {}
    for prefix in "", "ema.", "optim.m.", "optim.v.":
        for name, shape in shapes.items():
            size = 6 if len(shape) == 2 else 2
            tensors[prefix + name] = ("F32", shape, bytes(4 * size))
    tensors["mean"] = ("F32", [2], bytes(8))
    texts = {"format": "1", "imgen": "0.1.0", "model": "small", "step": "3", "seconds": "0.5", "log": ""}
    yield "whole", safetensors(tensors, texts)
    yield "newer", safetensors(tensors, texts | {"format": "2"})
    yield "other", safetensors(tensors, texts | {"model": "../\u001b[2J"})
    yield "cut", safetensors(tensors, texts)[:-9]
    yield "untold", safetensors(tensors)
    yield "more", safetensors(tensors | {"extra": ("F32", [1], bytes(4))}, texts)
    del tensors["mean"]
    yield "fewer", safetensors(tensors, texts)


def config():
    recipe = {"steps": 10, "batch": 8, "lr": .001, "schedule": "cosine", "warmup": 0, "ema": .9, "clip": 0.0,
              "optimizer": "adamw", "beta1": .9, "beta2": .99, "eps": 1e-8, "momentum": 0.0, "weight_decay": .01}
    return {"format": 1, "imgen": "0.1.0", "compiler": "c", "model": "vae", "data": "digits", "resize": 0,
            "image": {"height": 28, "width": 28, "classes": 10}, "settings": {"arch": "mlp", "latent": "2"},
            "preset": "quick", "recipe": recipe, "minutes": 0.0, "validation": 100, "seed": 1, "log_every": 1,
            "save_every": 5, "preview_every": 5}


def config_seeds():
    yield "whole", json.dumps(config()).encode()
    yield "newer", json.dumps(config() | {"format": 2}).encode()
    yield "path", json.dumps(config() | {"data": "../../etc/passwd"}).encode()
    yield "settings", json.dumps(config() | {"settings": {f"k{i}": str(i) for i in range(33)}}).encode()
    yield "deep", b'{"a":' * 3000


def eval_seeds():
    def estimate(value):
        return {"value": value, "low": value - 1, "high": value + 1}
    solver = {"sampler": "ddim", "steps": 20, "eta": 0.0, "guidance": 1.0}
    whole = {"format": 1, "imgen": "0.1.0", "command": "imgen eval r", "run": "r", "model": "ddpm", "preset": "quick",
             "data": "digits", "checkpoint": "0" * 64, "training_seed": 1, "seed": 0, "steps": 9, "samples": 100,
             "prior": "normal", "solver": solver, "judge_version": "1", "judge": "0" * 64, "classes": [.5, .5],
             "data_classes": [.25, .75], "seconds": 1.5, "sampling_seconds": .5,
             "figures": {"frechet": estimate(2) | {"floor": estimate(1)}, "parameters": estimate(9), "other": 1},
             "curve": [{"solver": solver, "calls": 20, "ms": 3.5, "frechet": estimate(3)}]}
    yield "whole", json.dumps(whole).encode()
    yield "one_go", json.dumps(whole | {"solver": None, "curve": [], "prior": "fitted"}).encode()
    yield "many", json.dumps(whole | {"classes": [1] * 300}).encode()
    yield "points", json.dumps(whole | {"curve": whole["curve"] * 33}).encode()


def metrics_seeds():
    lines = [json.dumps({"step": i, "loss": 1 / i}) for i in range(1, 5)] + ['{"step":4,"test_loss":1.5}']
    text = ("\n".join(lines) + "\n").encode()
    yield "whole", b"\x03" + text
    yield "all", b"\xff" + text
    yield "none", b"\x00" + text
    yield "cut", b"\x04" + text[:-9]
    yield "junk", b"\x09" + text + b"[1,2\n\n{\"step\":\"3\"}\n"


def args_seeds():
    yield "options", b"--whole\n12\n--real=0.25\n-f\n--text\nx\n--colour\ngreen\n--set\na=b\nword\n--\n--other"
    yield "numbers", b"1e308\n-9223372036854775808\n9223372036854775808\n.5\n-0\n5e-324\n0x10\nnan\n1e400"
    yield "classes", b"0-2\n1,2\nbee\n2-0\n0-99999999999999999999\n,,,\n1:2,0:2\n:\na:b:c"
    yield "help", b"--whole\n--help"
    yield "unknown", b"--zzzzzzzzzz"
    yield "choice", b"--colour\nblue"
    yield "flag", b"--flag=1"
    yield "bare", b"--whole"
    yield "range", b"--whole=-6"
    yield "many", b"\n".join([b"--set=a=b"] * 33)
    yield "near", b"--whol=3\n--" + b"a" * 200


def main(folder):
    for name, make in sorted(globals().items()):
        if not name.endswith("_seeds"):
            continue
        target = pathlib.Path(folder) / name.removesuffix("_seeds")
        target.mkdir(parents=True, exist_ok=True)
        for seed, content in make():
            (target / seed).write_bytes(content)


main(sys.argv[1])
