"""A transformer of one layer with a small vocabulary: fitted in seconds, opened like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast


def tiny_encoder(words: Sequence[str]) -> tuple[Any, Any]:
    """Give tokenizer and model, with a unigram vocabulary of these words and their characters."""
    letters = sorted(set("".join(words)) - set(words))
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *words, *letters]
    scores = [0.0] * 4 + [-1.0] * len(words) + [-5.0] * len(letters)
    made = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=3, byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    made.post_processor = processors.TemplateProcessing(  # type: ignore[assignment]
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    named = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, **named)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, pad_token_id=1,
    )  # fmt: skip
    return tokenizer, BertModel(config, add_pooling_layer=False).eval()


def save_tiny_encoder(words: Sequence[str], path: Path) -> Path:
    """Write it to a folder that transformers can open."""
    for part in tiny_encoder(words):
        part.save_pretrained(path)
    return path
