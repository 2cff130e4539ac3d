"""Drawn labels: packs with codes as a camera sees them at the limit; knows nothing of the decoder.

The bars come from zxing-cpp's writer, the optics from here: turn, tilt, bend, defocus, motion, light, noise, JPEG.
The ranges follow DECODE.md section 4: each begins where a common reader reads nearly all and ends where none does.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

__all__ = ["LIMITS", "Shot", "View", "clutter", "photographed", "trace_code"]

Picture = npt.NDArray[np.uint8]

FRAME: Final = (960, 540)
_MODULE_TEXELS: Final = 4
_OVERSAMPLED: Final = 2
_QUIET_MODULES: Final = 10


@dataclass(frozen=True, slots=True)
class View:
    """How a label is seen; the defaults are a good picture.

    Args:
        module_px: Pixels a module of the label in its middle.
        high_modules: Height of the bars, in modules; of a linear code only.
        turn_deg: Rotation in the plane of the picture.
        tilt_deg: How far the label is turned away about the axis of its bars.
        bend_deg: Half the angle of the bottle that the label is wound around; 0 is flat.
        defocus_px: Sigma of the blur.
        motion_px: Length of the smear across the bars.
        white: Grey level of white paper.
        contrast: Share of that between white and black; what is lacking is a veil.
        glare: Share of the height of the bars that is burnt out.
        noise: Sigma of the sensor, in grey levels.
        jpeg: Quality 1 to 100, or None.
    """

    module_px: float = 2.5
    high_modules: float = 50.0
    turn_deg: float = 0.0
    tilt_deg: float = 0.0
    bend_deg: float = 0.0
    defocus_px: float = 0.5
    motion_px: float = 0.0
    white: float = 200.0
    contrast: float = 0.9
    glare: float = 0.0
    noise: float = 3.0
    jpeg: int | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture and what is printed in it.

    Args:
        grey: The picture.
        texts: What a reader may find, each as bytes.
    """

    grey: Picture
    texts: tuple[bytes, ...]


def trace_code(dice: np.random.Generator) -> str:
    """Make up a trace code: 20 digits, the first an 8."""
    return "8" + "".join(str(digit) for digit in dice.integers(0, 10, 19))


def _about(dice: np.random.Generator) -> View:
    """A label held nearly straight, not quite sharp."""
    return View(turn_deg=dice.uniform(-8, 8), defocus_px=dice.uniform(0.5, 0.8), white=dice.uniform(150, 220))


def _mixed(dice: np.random.Generator) -> View:
    return View(
        module_px=dice.uniform(2.0, 3.0),
        turn_deg=dice.uniform(-20, 20),
        tilt_deg=dice.uniform(0, 40),
        bend_deg=dice.uniform(0, 50),
        defocus_px=dice.uniform(0.6, 1.5),
        white=dice.uniform(50, 200),
        contrast=dice.uniform(0.4, 0.9),
        glare=dice.uniform(0, 0.4),
        noise=dice.uniform(3, 10),
        jpeg=int(dice.integers(15, 60)),
    )


#: What is wrong with a label, by name, each as hard as the dice say; nothing here was chosen by what a reader does.
LIMITS: Final[dict[str, Callable[[np.random.Generator], View]]] = {
    "turned": lambda dice: replace(_about(dice), turn_deg=dice.uniform(10, 80) * dice.choice([-1, 1])),
    "bent": lambda dice: replace(_about(dice), bend_deg=dice.uniform(60, 88)),
    "tilted": lambda dice: replace(_about(dice), tilt_deg=dice.uniform(45, 70)),
    "blurred": lambda dice: replace(_about(dice), defocus_px=dice.uniform(1.2, 3.0)),
    "moved": lambda dice: replace(_about(dice), motion_px=dice.uniform(3.0, 7.0)),
    "small": lambda dice: replace(_about(dice), module_px=dice.uniform(1.1, 2.0)),
    "dim": lambda dice: replace(_about(dice), white=dice.uniform(15, 80), noise=5.0),
    "noisy": lambda dice: replace(_about(dice), noise=dice.uniform(10, 40)),
    "veiled": lambda dice: replace(_about(dice), contrast=dice.uniform(0.08, 0.3)),
    "glare": lambda dice: replace(_about(dice), glare=dice.uniform(0.5, 0.9)),
    "jpeg": lambda dice: replace(_about(dice), jpeg=int(dice.integers(2, 16)), noise=dice.uniform(3, 12)),
    "mixed": _mixed,
}


def clutter(dice: np.random.Generator, size: tuple[int, int] = FRAME) -> Picture:
    """Draw a counter: soft light, boxes, lines of print, and a fine grain.

    Args:
        dice: Where everything comes from.
        size: Width and height in pixels.
    """
    width, height = size
    soft = cv2.resize(dice.uniform(50, 190, (5, 8)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    grain = cv2.resize(dice.normal(0, 12, (height // 4, width // 4)).astype(np.float32), size)
    drawn = np.clip(soft + grain, 0, 255).astype(np.uint8)
    for _ in range(int(dice.integers(3, 9))):
        corner = (int(dice.integers(0, width)), int(dice.integers(0, height)))
        far = (corner[0] + int(dice.integers(20, width // 2)), corner[1] + int(dice.integers(20, height // 2)))
        cv2.rectangle(drawn, corner, far, int(dice.integers(20, 240)), int(dice.choice([-1, 1, 3])))
    for _ in range(int(dice.integers(4, 14))):
        words = "".join(chr(letter) for letter in dice.integers(65, 91, int(dice.integers(4, 16))))
        place = (int(dice.integers(0, width)), int(dice.integers(0, height)))
        cv2.putText(drawn, words, place, int(dice.integers(0, 5)), dice.uniform(0.4, 1.6), int(dice.integers(0, 90)), 1)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 0.8), np.uint8)


def photographed(
    dice: np.random.Generator,
    labels: list[tuple[str, View]],
    *,
    kind: str = "Code128",
    gs1: bool = False,
    frame: tuple[int, int] = FRAME,
) -> Shot:
    """Draw labels side by side on a counter; light, noise and JPEG are those of the first.

    Args:
        dice: Where places, clutter and noise come from.
        labels: The texts and how each is seen.
        kind: The symbology, as zxing-cpp calls it.
        gs1: Whether the texts are GS1 with brackets.
        frame: Width and height of the picture.
    """
    scene = np.asarray(clutter(dice, frame), np.float32) / np.float32(255)
    burnt = np.zeros(scene.shape, np.float32)
    columns = len(labels) if len(labels) < 4 else (len(labels) + 1) // 2
    rows = -(-len(labels) // columns)
    texts = []
    for number, (text, view) in enumerate(labels):
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat[kind], gs1=gs1)
        texts.append(bytes(code.bytes))
        spare = 40 if len(labels) == 1 else 4
        middle = (
            frame[0] * (number % columns + 0.5) / columns + dice.uniform(-spare, spare),
            frame[1] * (number // columns + 0.5) / rows + dice.uniform(-spare, spare),
        )
        _lay(scene, burnt, _paper(code, text, view, dice), middle, view)
    return Shot(_exposed(scene, burnt, labels[0][1], dice), tuple(texts))


def _paper(code: zxingcpp.Barcode, text: str, view: View, dice: np.random.Generator) -> npt.NDArray[np.float32]:
    """Print one label: the code with its quiet zone, digits below, a margin."""
    modules = np.asarray(code.to_image(scale=1, add_quiet_zones=False), np.uint8)
    is_linear = code.format == zxingcpp.BarcodeFormat.Code128
    quiet = _QUIET_MODULES if is_linear else 4
    if is_linear:
        modules = np.repeat(modules[modules.shape[0] // 2][None], max(8, round(view.high_modules)), 0)
    modules = np.pad(modules, ((4 if is_linear else quiet, 4), (quiet, quiet)), constant_values=255)
    texels = np.repeat(np.repeat(modules, _MODULE_TEXELS, 0), _MODULE_TEXELS, 1)
    if is_linear:
        below = np.full((14 * _MODULE_TEXELS, texels.shape[1]), 255, np.uint8)
        cv2.putText(below, text[:26], (20 * _MODULE_TEXELS, 10 * _MODULE_TEXELS), 0, 1.3, 30, 2, cv2.LINE_AA)
        texels = np.vstack([texels, below])
    ink = dice.uniform(0.03, 0.12)
    return (ink + (0.97 - ink) * texels.astype(np.float32) / 255).astype(np.float32)


def _lay(
    scene: npt.NDArray[np.float32],
    burnt: npt.NDArray[np.float32],
    paper: npt.NDArray[np.float32],
    middle: tuple[float, float],
    view: View,
) -> None:
    """Put a label into the scene through turn, tilt and bend; each pixel is the mean over its own area."""
    texel_px = view.module_px / _MODULE_TEXELS
    half = np.hypot(*paper.shape) * texel_px / 2 * 1.25 + 4
    left, top = (max(0, int(at - half)) for at in middle)
    right, bottom = min(scene.shape[1], int(middle[0] + half)), min(scene.shape[0], int(middle[1] + half))
    step = 1 / _OVERSAMPLED
    across, down = np.meshgrid(
        np.arange(left + step / 2 - 0.5, right - 0.5, step, dtype=np.float32) - middle[0],
        np.arange(top + step / 2 - 0.5, bottom - 0.5, step, dtype=np.float32) - middle[1],
    )
    turn = np.deg2rad(view.turn_deg)
    u = across * np.cos(turn) + down * np.sin(turn)
    v = -across * np.sin(turn) + down * np.cos(turn)
    half_width = paper.shape[1] * texel_px / 2
    if view.tilt_deg:
        # A camera at four label widths: the near side is larger.
        tilt = np.deg2rad(view.tilt_deg)
        distance = 8 * half_width
        u, v = _tilted(u, v, tilt, distance)
    if view.bend_deg:
        bend = np.deg2rad(view.bend_deg)
        radius = half_width / bend
        u = radius * np.arcsin(np.clip(u / radius, -1, 1)) + np.where(np.abs(u) > radius, 10 * half_width, 0)
    at_x = (u / texel_px + paper.shape[1] / 2).astype(np.float32)
    at_y = (v / texel_px + paper.shape[0] / 2).astype(np.float32)
    seen = cv2.remap(paper, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(-1.0,))
    covers = (seen >= 0).astype(np.float32)
    size = (right - left, bottom - top)
    share = cv2.resize(covers, size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(np.maximum(seen, 0), size, interpolation=cv2.INTER_AREA)
    place = (slice(top, bottom), slice(left, right))
    scene[place] = scene[place] * (1 - share) + mean
    if view.glare:
        high = view.high_modules * _MODULE_TEXELS * view.glare
        shone = np.exp(-(((at_y - 6 * _MODULE_TEXELS - high / 2) / (high / 2)) ** 8)) * covers
        burnt[place] = np.maximum(
            burnt[place], cv2.resize(shone.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        )


def _tilted(
    u: npt.NDArray[np.float32], v: npt.NDArray[np.float32], tilt: float, distance: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    on_label = u * distance / (distance * np.cos(tilt) - u * np.sin(tilt))
    return on_label, v * (distance + on_label * np.sin(tilt)) / distance


def _exposed(
    scene: npt.NDArray[np.float32], burnt: npt.NDArray[np.float32], view: View, dice: np.random.Generator
) -> Picture:
    """Take the picture: lens, motion, veil, glare, light that falls off, photons, sensor, JPEG."""
    seen = cv2.GaussianBlur(scene, (0, 0), view.defocus_px) if view.defocus_px else scene
    if view.motion_px:
        seen = cv2.filter2D(seen, -1, _smear(view.motion_px, view.turn_deg))
    height, width = seen.shape
    slope = dice.uniform(-0.15, 0.15, 2)
    light = 1 + slope[0] * np.linspace(-1, 1, width)[None] + slope[1] * np.linspace(-1, 1, height)[:, None]
    seen = (seen * view.contrast + (1 - view.contrast)) * light
    levels = seen * view.white + burnt * (400 - seen * view.white)
    levels = levels + dice.normal(0, 1, levels.shape) * np.sqrt(view.noise**2 + np.maximum(levels, 0) / 60)
    grey = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    if view.jpeg is None:
        return np.asarray(grey, np.uint8)
    octets = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, view.jpeg])[1]
    return np.asarray(cv2.imdecode(octets, cv2.IMREAD_GRAYSCALE), np.uint8)


def _smear(length_px: float, turn_deg: float) -> npt.NDArray[np.float32]:
    """A kernel along the turned u axis, of exactly this length."""
    half = int(np.ceil(length_px / 2)) + 1
    fine = 8
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    turn = np.deg2rad(turn_deg)
    for along in np.linspace(-length_px / 2, length_px / 2, int(fine * length_px) + 1):
        x, y = half + along * np.cos(turn), half + along * np.sin(turn)
        left, top = int(np.floor(x)), int(np.floor(y))
        for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
            weight = (1 - abs(x - left - across)) * (1 - abs(y - top - down))
            kernel[top + down, left + across] += weight
    return np.asarray(kernel / kernel.sum(), np.float32)
