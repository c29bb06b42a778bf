"""A PyTorch model as MLflow's flavour ``pytorch``: the graph and its weights, which load without any code of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twinbench.handover.flavours.saving import Saving, pinned


def save(model: Any, saving: Saving) -> None:
    """``model``: as the framework loads it. Its scores come out, so that a server answers what the run holds."""
    import mlflow.pytorch
    import torch

    from twinbench.frameworks.torch import networks

    class Scoring(torch.nn.Module):
        """From examples as the pipeline gives them to probabilities."""

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
    """Take the lines of source out of a graph: they name the directories of the machine that exported it."""
    import torch

    program = torch.export.load(exported)
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)
    torch.export.save(program, exported)
