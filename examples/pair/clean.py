"""Clean a table of orders."""

import pandas as pd


def clean(orders: pd.DataFrame) -> pd.DataFrame:
    """Leave out orders without a customer, unify names, fill amounts with the median, and sort by name and amount."""
    kept = orders[orders["customer"].notna()].copy()
    kept["customer"] = kept["customer"].str.strip().str.lower()
    kept["amount"] = kept["amount"].fillna(kept["amount"].median())
    return kept.sort_values(["customer", "amount"], kind="stable").reset_index(drop=True)
