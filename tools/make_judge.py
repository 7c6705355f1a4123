"""Makes a judge's weights from a trained run of the classifier: docs/judges.md has the commands.

usage: make_judge.py RUN VERSION FILE. RUN was trained by `imgen train classifier` without --ema.
"""
import json
import pathlib
import struct
import sys


def read(path):
    """The metadata, and by name the entry and the bytes of each tensor, of a safetensors file."""
    data = path.read_bytes()
    [length] = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    body = data[8 + length :]
    return metadata, {name: (entry, body[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def write(path, metadata, tensors):
    header, body = {"__metadata__": metadata}, b""
    for name, (entry, data) in tensors.items():
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "data_offsets": offsets}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def recipe(config):
    held_out = f" --validation {config['validation']}" if config["validation"] != 5000 else ""
    settings = "".join(f" --set {key}={value}" for key, value in config["settings"].items())
    return (f"imgen train classifier --data {config['data']} --preset {config['preset']}"
            f" --seed {config['seed']}{held_out}{settings}")


def main():
    run, version, file = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    config = json.loads((run / "config.json").read_text())
    metadata, tensors = read(run / "checkpoint.safetensors")
    assert metadata["model"] == "classifier" and config["recipe"]["ema"] == 0
    assert int(metadata["step"]) == config["recipe"]["steps"], "it is not trained to its end"
    weights = {name: tensor for name, tensor in sorted(tensors.items())
               if not name.startswith(("ema.", "optim."))}
    texts = {"judge": config["data"], "version": version, "recipe": recipe(config),
             "imgen": metadata["imgen"], "steps": metadata["step"]}
    write(file, texts, weights)
    print(f"{file}: {file.stat().st_size} bytes, {len(weights)} tensors")


main()
