"""``twinbench schema``: print the JSON schema of pipeline files."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON schema of pipeline files, by which an editor completes and checks them.

    It has the ops of all packages that are installed. Editors with Taplo, such as VS Code with Even Better TOML, take
    it from the first line of a file: #:schema pipeline.schema.json

    Example: twinbench schema > pipeline.schema.json
    """
    from twinbench.cli.console import print_json
    from twinbench.plan.schema import schema

    print_json(schema())
