"""MLflow's scoring server for the model beside this file: ``GET /ping`` and ``POST /invocations``.

The server listens on the port that the platform names, else on 8080, and beyond loopback only if ``HOST`` is set.
``serve.py ping`` checks a running server's health; any other argument, such as SageMaker's ``serve``, is ignored.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path

PORTS = ("AIP_HTTP_PORT", "PORT")
"""Environment variables in which Vertex AI and Cloud Run name the port."""


def port() -> int:
    """Return the port to listen on."""
    return next((int(os.environ[name]) for name in PORTS if os.environ.get(name)), 8080)


def serve() -> None:
    """Load the model, then answer requests until a signal ends the server."""
    import uvicorn
    from mlflow.pyfunc import load_model, scoring_server

    model = load_model(str(Path(__file__).with_name("model")))
    uvicorn.run(scoring_server.init(model), host=os.environ.get("HOST", "127.0.0.1"), port=port(), access_log=False)


if __name__ == "__main__":
    if sys.argv[1:] == ["ping"]:
        urllib.request.urlopen(f"http://127.0.0.1:{port()}/ping", timeout=10).close()
    else:
        serve()
