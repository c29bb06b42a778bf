"""The module that saved models name as their loader. It stays importable, wherever the code of the flavour lives."""

from twinbench.handover.flavours.served import _load_pyfunc

__all__ = ["_load_pyfunc"]
