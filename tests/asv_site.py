"""A site that ``asv publish`` made, on loopback, with the libraries that it takes from the network taken from here.

jQuery is XStatic's and flot is Pympler's, which asv depends on; what is only decoration is left out.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

DECORATION = """
$.fn.tooltip = $.fn.popover = $.fn.modal = $.fn.stupidtable = $.fn.stupidsort = function () { return this; };
window.md5 = text => text;
"""

REMOTE = re.compile(r'<(script|link)\b[^>]*(?:src|href)="https://[^>]*>(</script>)?')


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


class _Site(SimpleHTTPRequestHandler):
    """The published files, except for the libraries."""

    def do_GET(self) -> None:
        if self.path.split("?")[0] in ("/", "/index.html"):
            local = "".join(f'<script src="/{name}.js"></script>' for name in ("jquery", "flot", "decoration"))
            page = REMOTE.sub("", (Path(self.directory) / "index.html").read_text())
            self._answer("text/html", page.replace("<head>", f"<head>{local}", 1))
        elif self.path == "/jquery.js":
            self._answer("text/javascript", (_package("xstatic.pkg.jquery") / "data" / "jquery.min.js").read_text())
        elif self.path == "/flot.js":
            self._answer("text/javascript", (_package("pympler") / "templates" / "jquery.flot.min.js").read_text())
        elif self.path == "/decoration.js":
            self._answer("text/javascript", DECORATION)
        else:
            super().do_GET()

    def _answer(self, kind: str, content: str) -> None:
        body = content.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: what is asked for is looked at in the browser."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The address of the site in a directory."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Site, directory=str(directory))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
