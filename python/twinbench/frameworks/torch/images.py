"""The image ops in PyTorch. Images are a uint8 tensor ``(images, colours, height, width)``.

Windows are sums of shifted views: on the CPU, conv2d of so few channels takes several times as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import reduce
from typing import TYPE_CHECKING

from twinbench.frameworks.api import Ops
from twinbench.ops import images as t

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import functional as F  # noqa: N812  its usual name

    Tensors = dict[str, Tensor]

ROWS, COLUMNS = 2, 3
"""Dimensions of rows and of columns in a batch of images."""


def load() -> None:
    """Import PyTorch."""
    global F, torch
    import torch
    from torch.nn import functional as F  # noqa: N812


def prepare_images(tensors: Tensors) -> Tensors:
    """Move colours before rows, in memory too."""
    x = tensors["x"]
    return tensors | {"x": x.permute(0, 3, 1, 2).contiguous() if x.ndim == 4 else x.unsqueeze(1)}


def extract_images(tensors: Tensors) -> Tensors:
    """Convert images back to (images, height, width[, 3])."""
    return tensors | {"x": colours_last(tensors["x"])}


def colours_last(x: Tensor) -> Tensor:
    """Return a view with colours last; grey images lose the dimension of their one colour."""
    return x.squeeze(1) if x.shape[1] == 1 else x.permute(0, 2, 3, 1)


def levels(values: Tensor) -> Tensor:
    """Round floats from 0 to 255 to grey levels, uint8; changes ``values``."""
    return values.add_(0.5).to(torch.uint8)


def shifts(padded: Tensor, size: int, dim: int) -> list[Tensor]:
    """Return the neighbours at each offset of a window along one dimension, as views."""
    length = padded.shape[dim] - size + 1
    return [padded.narrow(dim, offset, length) for offset in range(size)]


def weighted(values: Iterable[Tensor], weights: Iterable[float]) -> Tensor:
    """Return a weighted sum."""
    (first, weight), *others = zip(values, weights, strict=True)
    out = first * weight
    for value, weight in others:
        out.add_(value, alpha=weight)
    return out


def resize(p: t.Resize, images: Tensors) -> Tensors:
    """Interpolate with ``interpolate``, between two pixels of each axis."""
    return images | {"x": resized(p, images["x"], antialias=False)}


def resize_antialiased(p: t.Resize, images: Tensors) -> Tensors:
    """Interpolate with ``interpolate``, which antialiases as Pillow does."""
    return images | {"x": resized(p, images["x"], antialias=True)}


def resized(p: t.Resize, x: Tensor, antialias: bool) -> Tensor:
    """Interpolate uint8, except grey images without antialiasing and targets of one RGB pixel, which become float32.

    In torch 2.13 the former are slower in uint8, and the latter fail. But antialiased float32 images of one column are
    wrong. On a GPU all become float32: there uint8 isn't implemented.
    """
    size = (p.height, p.width)
    by_float = x.is_cuda or (size == (1, 1) if x.shape[1] == 3 else not antialias)
    values = x.float() if by_float else x
    out = F.interpolate(values, size, mode="bilinear", align_corners=False, antialias=antialias)
    return levels(out) if by_float else out


def grey(p: t.Grey, images: Tensors) -> Tensors:
    """Weigh and sum the colours."""
    return images | {"x": levels(weighted(images["x"].unbind(1), (0.299, 0.587, 0.114))).unsqueeze(1)}


def gaussian_blur(p: t.GaussianBlur, images: Tensors) -> Tensors:
    """Blur along rows, then along columns."""
    size, r = 2 * p.radius + 1, p.radius
    weights = [math.exp(-((offset - r) ** 2) / (2 * p.sigma**2)) for offset in range(size)]
    weights = [weight / sum(weights) for weight in weights]
    padded = F.pad(images["x"].float(), (r, r, r, r), mode="replicate")
    rows = weighted(shifts(padded, size, COLUMNS), weights)
    return images | {"x": levels(weighted(shifts(rows, size, ROWS), weights))}


def sobel(p: t.Sobel, images: Tensors) -> Tensors:
    """Compute both gradients, then their magnitude."""
    padded = F.pad(images["x"].float(), (1, 1, 1, 1), mode="replicate")

    def gradient(along: int, across: int) -> Tensor:
        before, _, after = shifts(weighted(shifts(padded, 3, across), (1, 2, 1)), 3, along)
        return after - before

    return images | {"x": levels(torch.hypot(gradient(COLUMNS, ROWS), gradient(ROWS, COLUMNS)).mul_(32**-0.5))}


def rotate(p: t.Rotate, images: Tensors) -> Tensors:
    """Rotate by an affine map about the image's centre."""
    height, width = images["x"].shape[2:]
    return images | {"x": warped(images["x"], t.rotation(p.degrees, height, width), p.fill)}


def affine(p: t.Affine, images: Tensors) -> Tensors:
    """Apply the contract's affine map."""
    return images | {"x": warped(images["x"], p.matrix, p.fill)}


def warped(x: Tensor, matrix: tuple[float, ...], fill: int) -> Tensor:
    """Map images with ``grid_sample``, whose coordinates run from -1 to 1, edge to edge, and whose only fill is 0."""
    a, b, c, d, e, f = matrix
    count, colours, height, width = x.shape
    theta = torch.tensor(
        [
            [a, b * height / width, (a * (width - 1) + b * (height - 1) + 2 * c + 1) / width - 1],
            [d * width / height, e, (d * (width - 1) + e * (height - 1) + 2 * f + 1) / height - 1],
        ]
    )
    grid = F.affine_grid(theta[None], [1, colours, height, width], align_corners=False)
    values = x.float() - fill if fill else x.float()
    out = F.grid_sample(values, grid.expand(count, -1, -1, -1), align_corners=False)
    return levels(out.add_(fill) if fill else out)


def opening(p: t.Opening, images: Tensors) -> Tensors:
    """Take the minimum, then the maximum of each window; the padding never is an extreme."""
    lowest = extreme(images["x"], p.size, 255, torch.minimum)
    return images | {"x": extreme(lowest, p.size, 0, torch.maximum)}


def extreme(x: Tensor, size: int, beyond: int, of: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return the extreme of each window, along rows and then along columns."""
    r = size // 2
    rows = reduce(of, shifts(F.pad(x, (r, r, r, r), value=beyond), size, COLUMNS))
    return reduce(of, shifts(rows, size, ROWS))


def normalise(p: t.Normalise, images: Tensors) -> Tensors:
    """Normalise in place, as torchvision does."""
    mean, sd = (torch.tensor(numbers).view(-1, 1, 1) for numbers in (p.mean, p.sd))
    return images | {"x": colours_last(images["x"].float().div_(255).sub_(mean).div_(sd))}


def augment(p: t.Augment, images: Tensors, given: Tensors) -> Tensors:
    """Crop and flip image by image, then scale all of them at once."""
    numbers = zip(*(given[name].tolist() for name in ("top", "left", "flip")), strict=True)
    parts = [
        image[:, top : top + p.height, left : left + p.width].flip(2 if flip else ())
        for image, (top, left, flip) in zip(images["x"], numbers, strict=True)
    ]
    if not parts:
        return images
    factor = given["factor"].float().view(-1, 1, 1, 1)
    return images | {"x": levels(torch.stack(parts).mul(factor).clamp_(max=255))}


OPS: Ops = {
    "images.resize": resize,
    "images.resize_antialiased": resize_antialiased,
    "images.grey": grey,
    "images.gaussian_blur": gaussian_blur,
    "images.sobel": sobel,
    "images.rotate": rotate,
    "images.affine": affine,
    "images.opening": opening,
    "images.normalise": normalise,
    "images.augment": augment,
}
