"""Save a PyTorch model in MLflow's flavour ``pytorch``: a graph with its weights, which loads without twinbench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twinbench.handover.flavours.saving import Saving, pinned


def save(model: Any, saving: Saving) -> None:
    """Save ``model``, as the framework loaded it, with scores as output, so that a server gives the run's answers."""
    import mlflow.pytorch
    import torch

    from twinbench.frameworks.torch import networks

    class Scoring(torch.nn.Module):
        """A module that maps the pipeline's examples to probabilities."""

        def __init__(self) -> None:
            super().__init__()
            self.network = model.network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = self.network(networks.examples(self.network, x))
            return torch.sigmoid(logits.squeeze(1)) if logits.shape[1] == 1 else torch.softmax(logits, 1)

    mlflow.pytorch.save_model(
        Scoring().eval(),
        saving.to,
        signature=saving.signature(),
        input_example=saving.example(),
        serialization_format="pt2",
        pip_requirements=pinned("mlflow", "torch", "numpy"),
        metadata=saving.metadata,
    )
    _forget_sources(Path(saving.to) / "data" / "model.pt2")


def _forget_sources(exported: Path) -> None:
    """Remove source lines from an exported graph, because they name directories of the exporting machine."""
    import torch

    program = torch.export.load(exported)
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)
    torch.export.save(program, exported)
