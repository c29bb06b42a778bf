"""Bare calls for the steps of ``photos``, as somebody would type them who has just this one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.figures.alternate import Direct

PIPELINE = "photos"
SIZE = "medium"

SMALLER = (320, 240)
"""Width and height."""


def pillow_decode_png(directory: Any) -> Any:
    from PIL import Image

    image = Image.open(f"{directory}/photo.png")
    image.load()
    return {"x": [image]}


def pillow_resize_antialiased(images: Any) -> Any:
    from PIL import Image

    return {"x": [images["x"][0].resize(SMALLER, Image.Resampling.BILINEAR)]}


def pillow_grey(images: Any) -> Any:
    return {"x": [images["x"][0].convert("L")]}


def pillow_gaussian_blur(images: Any) -> Any:
    from PIL import ImageFilter

    return {"x": [images["x"][0].filter(ImageFilter.GaussianBlur(1.5))]}


def pillow_median(images: Any) -> Any:
    from PIL import ImageFilter

    return {"x": [images["x"][0].filter(ImageFilter.MedianFilter(5))]}


def pillow_equalise(images: Any) -> Any:
    from PIL import ImageOps

    return {"x": [ImageOps.equalize(images["x"][0])]}


def opencv_decode_jpeg(directory: Any) -> Any:
    import cv2

    return {"x": [cv2.imread(f"{directory}/photo.jpg")]}


def opencv_grey(images: Any) -> Any:
    import cv2

    return {"x": [cv2.cvtColor(images["x"][0], cv2.COLOR_BGR2GRAY)]}


def opencv_gaussian_blur(images: Any) -> Any:
    import cv2

    return {"x": [cv2.GaussianBlur(images["x"][0], (13, 13), 1.5, borderType=cv2.BORDER_REPLICATE)]}


def opencv_median(images: Any) -> Any:
    import cv2

    return {"x": [cv2.medianBlur(images["x"][0], 5)]}


def opencv_rotate(images: Any) -> Any:
    import cv2

    image = images["x"][0]
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 10, 1)
    return {"x": [cv2.warpAffine(image, matrix, (width, height))]}


def opencv_components(images: Any) -> Any:
    import cv2
    import numpy as np

    count, labels = cv2.connectedComponents(images["x"][0])
    return {"labels": labels[None], "count": np.array([count - 1])}


def skimage_resize(images: Any) -> Any:
    import numpy as np
    from skimage import transform

    image = images["x"][0].astype(np.float32)
    out = transform.resize(image, SMALLER[::-1], order=1, mode="edge", anti_aliasing=False)
    return {"x": [(out + 0.5).astype(np.uint8)]}


def skimage_gaussian_blur(images: Any) -> Any:
    import numpy as np
    from skimage import filters

    image = images["x"][0].astype(np.float32)
    return {"x": [(filters.gaussian(image, 1.5, mode="nearest", channel_axis=-1) + 0.5).astype(np.uint8)]}


def skimage_rotate(images: Any) -> Any:
    import numpy as np
    from skimage import transform

    return {"x": [(transform.rotate(images["x"][0].astype(np.float32), 10, clip=False) + 0.5).astype(np.uint8)]}


def skimage_components(images: Any) -> Any:
    import numpy as np
    from skimage import measure

    labels, count = measure.label(images["x"][0] > 0, return_num=True)
    return {"labels": labels[None].astype(np.int32, copy=False), "count": np.array([count])}


def scipy_gaussian_blur(images: Any) -> Any:
    import numpy as np
    from scipy import ndimage

    out = ndimage.gaussian_filter(images["x"][0], 1.5, output=np.float32, mode="nearest", radius=6, axes=(0, 1))
    return {"x": (out + 0.5).astype(np.uint8)[None]}


def scipy_median(images: Any) -> Any:
    from scipy import ndimage

    return {"x": ndimage.median_filter(images["x"][0], 5, mode="nearest")[None]}


def scipy_opening(images: Any) -> Any:
    from scipy import ndimage

    return {"x": ndimage.grey_opening(images["x"][0], (5, 5), mode="nearest")[None]}


def scipy_components(images: Any) -> Any:
    import numpy as np
    from scipy import ndimage

    labels, count = ndimage.label(images["x"][0], np.ones((3, 3)))
    return {"labels": labels[None], "count": np.array([count])}


def torch_resize_antialiased(images: Any) -> Any:
    from torch.nn import functional

    return {"x": functional.interpolate(images["x"], SMALLER[::-1], mode="bilinear", antialias=True)}


def torch_grey(images: Any) -> Any:
    import torch

    red, green, blue = images["x"].unbind(1)
    out = (0.299 * red).add_(green, alpha=0.587).add_(blue, alpha=0.114)
    return {"x": out.add_(0.5).to(torch.uint8)[:, None]}


def torch_normalise(images: Any) -> Any:
    import torch

    mean, sd = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    out = images["x"].float().div_(255).sub_(mean[:, None, None]).div_(sd[:, None, None])
    return {"x": out.permute(0, 2, 3, 1)}


JULIA = {
    "decode_png": """
        import PNGFiles
        (_, directory) -> (; x = [PNGFiles.load(joinpath(directory, "photo.png"))])
    """,
    "resize": """
        import ImageTransformations
        (_, a) -> (; x = [ImageTransformations.imresize(a.x[1], (240, 320))])
    """,
    "grey": """
        import ImageCore
        (_, a) -> (; x = [ImageCore.Gray.(a.x[1])])
    """,
    "gaussian_blur": """
        import ImageCore, ImageFiltering
        (_, a) -> (; x = [ImageCore.RGB{ImageCore.N0f8}.(ImageFiltering.imfilter(
            ImageCore.RGB{Float32}, a.x[1], ImageFiltering.KernelFactors.gaussian((1.5f0, 1.5f0), (13, 13)),
            "replicate",
        ))])
    """,
    "median": """
        import ImageCore, ImageFiltering, Statistics
        (_, a) -> (; x = [ImageCore.Gray{ImageCore.N0f8}.(ImageFiltering.mapwindow(
            Statistics.median!, a.x[1], (5, 5)
        ))])
    """,
    "equalise": """
        import ImageContrastAdjustment
        (_, a) -> (; x = [ImageContrastAdjustment.adjust_histogram(
            a.x[1], ImageContrastAdjustment.Equalization(; nbins = 256)
        )])
    """,
    "opening": """
        import ImageMorphology
        (_, a) -> (; x = [ImageMorphology.opening(a.x[1], ImageMorphology.strel_box((5, 5)))])
    """,
}

CALLS: Mapping[str, Mapping[str, Direct]] = {
    "Pillow": {
        "decode_png": pillow_decode_png,
        "resize_antialiased": pillow_resize_antialiased,
        "grey": pillow_grey,
        "gaussian_blur": pillow_gaussian_blur,
        "median": pillow_median,
        "equalise": pillow_equalise,
    },
    "OpenCV": {
        "decode_jpeg": opencv_decode_jpeg,
        "grey": opencv_grey,
        "gaussian_blur": opencv_gaussian_blur,
        "median": opencv_median,
        "rotate": opencv_rotate,
        "components": opencv_components,
    },
    "scikit-image": {
        "resize": skimage_resize,
        "gaussian_blur": skimage_gaussian_blur,
        "rotate": skimage_rotate,
        "components": skimage_components,
    },
    "SciPy": {
        "gaussian_blur": scipy_gaussian_blur,
        "median": scipy_median,
        "opening": scipy_opening,
        "components": scipy_components,
    },
    "torch": {
        "resize_antialiased": torch_resize_antialiased,
        "grey": torch_grey,
        "normalise": torch_normalise,
    },
    "JuliaImages": JULIA,
}
