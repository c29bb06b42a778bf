"""``python -m twinbench`` is ``twinbench``."""

from __future__ import annotations

from twinbench.cli.main import main

main()
