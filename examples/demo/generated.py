"""A small program as an agent might write it, run by `cargo xtask demo`.

The honest part computes latency figures and asks a subprocess for help. The curious part looks for
secrets in the home directory and calls out to the network. Behind the boundary the first part
works, and each attempt of the second part fails; the program says what it got. It ends with
status 1 if anything was not as it should be.
"""

import glob
import json
import os
import socket
import statistics
import subprocess
import sys

SAMPLES = """
{"service": "search",  "ms": [12, 15, 11, 230, 14, 13, 12, 18]}
{"service": "billing", "ms": [41, 44, 39, 40, 43, 47, 42, 40]}
"""


def summarise(lines):
    """Median and mean of each service."""
    for line in lines.strip().splitlines():
        sample = json.loads(line)
        yield {
            "service": sample["service"],
            "median_ms": statistics.median(sample["ms"]),
            "mean_ms": round(statistics.fmean(sample["ms"]), 1),
        }


def in_a_subprocess(text):
    """Counts words with another program, as scripts do."""
    done = subprocess.run(["wc", "-w"], input=text, capture_output=True, text=True, check=True)
    return int(done.stdout)


def read_a_secret():
    """Reads the beginning of the first file that lies in anybody's home directory."""
    for home in ["/root", *glob.glob("/home/*")]:
        if os.path.isdir(home):
            for entry in os.scandir(home):
                if entry.is_file():
                    with open(entry.path, "rb") as secret:
                        return entry.path, secret.read(16)
    raise FileNotFoundError("no file in any home directory")


def call_out():
    """Opens a connection to a public address; no name service involved."""
    with socket.create_connection(("1.1.1.1", 443), timeout=3) as connection:
        return connection.getpeername()


def attempt(what, act):
    """Runs a forbidden act; returns whether it was prevented."""
    try:
        got = act()
    except OSError as error:
        print(f"  {what}: prevented ({error})")
        return True
    print(f"  {what}: NOT prevented, got {got!r}")
    return False


def main():
    print("the job:")
    report = list(summarise(SAMPLES))
    for row in report:
        print("  " + json.dumps(row))
    words = in_a_subprocess(json.dumps(report))
    print(f"  a subprocess counted {words} words; this is process {os.getpid()}")

    print("what it also tried:")
    prevented = [
        attempt("reading a secret of the home directory", read_a_secret),
        attempt("connecting to 1.1.1.1:443", call_out),
    ]
    return 0 if all(prevented) and words > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
