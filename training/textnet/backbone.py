"""Any transformers encoder, by name or by folder, cut to the pieces that its texts can hold."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from features.errors import ConfigError
from training.textnet.e5 import open_e5

__all__ = ["Backbone", "open_backbone"]

PACKAGED: Final = "e5-small"
# Pieces of one of these characters are kept whether or not a training text holds them: any customer may type them.
KEPT: Final = ((0x20, 0x7E), (0x3000, 0x303F), (0x4E00, 0x9FFF), (0xFF00, 0xFFEF))
_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
# Of 83,000 pieces of ASCII in a vocabulary of a hundred languages; the rest are of other languages, or rare.
MOST_ASCII: Final = 20_000
MARK: Final = "\u2581"  # how such vocabularies write the start of a word


@dataclass(frozen=True, slots=True)
class Backbone:
    """An encoder that can be trained on.

    Attributes
    ----------
    name : str
    tokenizer : PreTrainedTokenizerFast
    model : torch.nn.Module
        Gives ``last_hidden_state``.
    prefix : str
        What the encoder expects before every text.
    """

    name: str
    tokenizer: Any
    model: Any
    prefix: str


def open_backbone(name: str, texts: Iterable[str] | None) -> Backbone:
    """Open an encoder for some texts, or for any.

    Parameters
    ----------
    name : str
        ``e5-small`` (packaged), or a folder or a hub's name that transformers can open.
    texts : iterable of str
        All that it will be trained on: of a unigram vocabulary only pieces that they hold, and single characters, are
        kept, as most of a multilingual one is never used. None: what Chinese and English texts can hold.

    Raises
    ------
    ConfigError
        If it cannot be opened, or has no fast tokenizer.
    """
    tokenizer, model = open_e5() if name == PACKAGED else _opened(name)
    prefix = "query: " if "e5" in Path(name).name.lower() else ""
    if texts is None:
        held = _readable(tokenizer)
    else:
        held = {piece for text in texts for piece in tokenizer(prefix + text)["input_ids"]}
    return Backbone(name, *_trimmed(tokenizer, model, held), prefix)


def _opened(name: str) -> tuple[Any, Any]:
    if Path(name).exists():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModel.from_pretrained(name, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the encoder {name} cannot be opened: {str(error).splitlines()[0]}") from error
    if not tokenizer.is_fast:
        raise ConfigError(f"the encoder {name} has no fast tokenizer, which answering needs")
    return tokenizer, model.eval()


def _readable(tokenizer: Any) -> set[int]:
    """Tell which pieces hold Chinese, or are among the most frequent of ASCII: vocabularies are sorted by frequency."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    pieces = [piece for piece, _ in model["vocab"]] if model["type"] == "Unigram" else []
    chinese = {i for i, piece in enumerate(pieces) if _CHINESE.search(piece)}
    ascii_ = [i for i, piece in enumerate(pieces) if piece.removeprefix(MARK).isascii()]
    return chinese | set(ascii_[:MOST_ASCII])


def _single(piece: str) -> bool:
    bare = piece.removeprefix(MARK)
    return len(bare) <= 1 and all(any(a <= ord(c) <= b for a, b in KEPT) for c in bare)


def _trimmed(tokenizer: Any, model: Any, held: set[int]) -> tuple[Any, Any]:
    """Cut a unigram vocabulary; any other is left as it is."""
    import torch
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    told = json.loads(tokenizer.backend_tokenizer.to_str())
    if told["model"]["type"] != "Unigram":
        return tokenizer, model
    pieces = told["model"]["vocab"]
    special = set(tokenizer.all_special_ids)
    kept = [i for i, (piece, _) in enumerate(pieces) if i in held or i in special or _single(piece)]
    place = {old: new for new, old in enumerate(kept)}
    told["model"]["vocab"] = [pieces[i] for i in kept]
    told["model"]["unk_id"] = place[told["model"]["unk_id"]]
    told["added_tokens"] = [{**t, "id": place[t["id"]]} for t in told["added_tokens"] if t["id"] in place]
    for token in told["post_processor"]["special_tokens"].values():
        token["ids"] = [place[i] for i in token["ids"]]
    weight = model.get_input_embeddings().weight.detach()[kept].clone()
    pad = place[tokenizer.pad_token_id]
    model.set_input_embeddings(torch.nn.Embedding(len(kept), weight.shape[1], padding_idx=pad, _weight=weight))
    model.config.vocab_size, model.config.pad_token_id = len(kept), pad
    named = {k: v for k, v in tokenizer.special_tokens_map.items() if isinstance(v, str)}
    cut = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(told)), **named)
    return cut, model
