"""Reading CSV files that are longer than the part from which a library guesses types."""

from __future__ import annotations

from typing import Any

from tests.frameworks.conftest import conforms
from twinbench.conformance.case import Files


def test_a_number_column_with_no_number_in_the_first_thousands_of_rows_keeps_its_type(framework: Any):
    text = "value,Text,n\r\n" + "NA,,2\r\n" * 30_000 + "0.5,z,2\r\n"
    columns = {"value": "float64", "Text": "string", "n": "int64"}
    file = Files({"t.csv": text.encode()}, file="t.csv")
    conforms(framework, "tables.read_csv", {"table": "t", "columns": columns}, file)
