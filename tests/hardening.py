"""What the binaries of a release build are made of: python3 hardening.py READELF FILE ..."""
import subprocess
import sys


def faults(readelf, path):
    """Names what a file lacks: it is position-independent; its tables are read-only before main;
    the stack is guarded and holds no code; calls of the C library check the sizes of their
    buffers."""
    said = subprocess.run([readelf, "--wide", "--file-header", "--segments", "--dynamic", "--dyn-syms", path],
                          capture_output=True, text=True, check=True).stdout
    lines = said.splitlines()
    stack = [line.split() for line in lines if line.strip().startswith("GNU_STACK")]
    has = {
        "position-independent code (PIE)": any("Type:" in line and "DYN" in line for line in lines),
        "read-only relocations (RELRO)": "GNU_RELRO" in said,
        "binding at start (BIND_NOW)": "BIND_NOW" in said or "Flags: NOW" in said,
        "a stack without code": bool(stack) and "E" not in stack[0][6],
        "stack protector": "__stack_chk_fail" in said,
        "fortified calls": any("_chk@" in line and "__stack_chk" not in line for line in lines),
    }
    return [f"{path}: no {what}" for what, there in has.items() if not there]


found = [fault for path in sys.argv[2:] for fault in faults(sys.argv[1], path)]
print("\n".join(found) or f"{len(sys.argv) - 2} files are hardened")
sys.exit(bool(found) or len(sys.argv) < 3)
