"""A worker that answers one request, after an act that its job names. Started as a worker is, and imports little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from twinbench.worker.channel import bind_to_the_harness

SLEEP = "import time; time.sleep(600)"
GROW = "import time; x = b'x' * (300 << 20); time.sleep(600)"


def child(code: str, token: str, **options: object) -> None:
    """Start a Python process in a session of its own, which holds the pipe of the answers."""
    descriptors = [int(sys.argv[2])]
    subprocess.Popen([sys.executable, "-c", code, token], start_new_session=True, pass_fds=descriptors, **options)


def act(name: str, token: str) -> None:
    """Carry out an act."""
    if name == "orphan":
        child(SLEEP, token)
        os._exit(4)
    elif name == "nested":
        if os.fork() == 0:
            os.setsid()
            child(SLEEP, token, env={})
            os._exit(0)
        os.wait()
    elif name == "large":
        child(GROW, token)
        time.sleep(600)


def main() -> None:
    """Read the job and one request, act, and answer; then wait."""
    with os.fdopen(int(sys.argv[1]), "r", encoding="utf-8") as requests:
        job = json.loads(requests.readline())
        bind_to_the_harness()
        if job["act"] == "deaf":
            time.sleep(600)
        for line in requests:
            act(job["act"], job["token"])
            answer = {"id": json.loads(line)["id"], "ok": {}}
            os.write(int(sys.argv[2]), json.dumps(answer).encode() + b"\n")
            job["act"] = ""


if __name__ == "__main__":
    main()
