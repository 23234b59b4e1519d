"""Synthetic pictures: gradients, discs, bars and a little noise, so that a resize has something to get wrong."""

import numpy as np


def picture(width: int, height: int, seed: int, noise: float = 5.0) -> np.ndarray:
    """RGB uint8 [height, width, 3]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    start, across, down = random.uniform(20, 200, (3, 3))
    pixels = start + across * 0.6 * (x / max(1, width - 1))[..., None] + down * 0.4 * (y / max(1, height - 1))[..., None]
    for _ in range(3):
        cx, cy = random.uniform(0, width), random.uniform(0, height)
        radius = random.uniform(0.12, 0.35) * min(width, height)
        pixels[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = random.uniform(0, 255, 3)
    period = int(random.integers(3, 9))
    pixels[: height // 4][:, (np.arange(width) // period) % 2 == 0] *= 0.5
    pixels += random.normal(0, noise, pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
