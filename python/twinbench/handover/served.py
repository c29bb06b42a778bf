"""The loader module that saved models name. It must stay importable, wherever the code of the flavour lives."""

from twinbench.handover.flavours.served import _load_pyfunc

__all__ = ["_load_pyfunc"]
