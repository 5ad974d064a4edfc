"""Every error the project raises on purpose, and what its reader is told, in both languages.

::

    AftersightError
    ├── InputError       the caller sent something we cannot read: names the field and the rule
    ├── TaxonomyError    the label file contradicts itself
    ├── ReleaseError     a release is damaged, foreign or not there
    └── ConfigError      a knob is unknown or out of range

`serving.problems` is the one place that maps them to HTTP.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

__all__ = ["RULES", "AftersightError", "ConfigError", "InputError", "ReleaseError", "TaxonomyError"]

RULES: Final[dict[str, tuple[str, str]]] = {
    "missing": ("缺少字段 {field}", "{field} is missing"),
    "type": ("{field} 的类型不对：应为 {expected}", "{field} has the wrong type: expected {expected}"),
    "too_long": ("{field} 太长：最多 {limit}", "{field} is too long: at most {limit}"),
    "too_short": ("{field} 太短：至少 {limit}", "{field} is too short: at least {limit}"),
    "range": ("{field} 超出范围：应{expected}", "{field} is out of range: must be {expected}"),
    "choice": ("{field} 的值不在允许范围：{expected}", "{field} must be one of: {expected}"),
    "not_json": ("请求体不是有效的 JSON", "the body is not valid JSON"),
    "body_too_large": ("请求体太大：最多 {limit} 字节", "the body is too large: at most {limit} bytes"),
    "photo_format": (
        "{field} 不是支持的照片格式：应为 {expected}",
        "{field} is not a photo that can be read: use {expected}",
    ),
    "photo_bytes": ("{field} 太大：最多 {limit} MiB", "{field} is too large: at most {limit} MiB"),
    "photo_pixels": ("{field} 像素太多：{size}，最多 {limit}", "{field} has too many pixels: {size}, at most {limit}"),
    "photo_damaged": (
        "{field} 已损坏或不完整，请重新拍摄或上传",
        "{field} is damaged or incomplete: take or upload it again",
    ),
    "photo_quality": ("{field} 无法用于诊断：{hint}", "{field} cannot be used: {hint}"),
    "too_many": ("{field} 太多：最多 {limit}", "too many: {field}, at most {limit}"),
    "not_multipart": ("请求体不是完整的 multipart 表单", "the body is not a complete multipart form"),
    "no_model": ("照片诊断暂未开通：还没有发布模型", "photos cannot be diagnosed here yet: no model is released"),
    "no_churn": ("流失预测暂未开通：还没有发布模型", "no risk can be told here yet: no churn model is released"),
    "busy": ("服务繁忙，请稍后重试", "the server is busy, try again shortly"),
    "api_key": ("缺少或错误的 API 密钥", "the API key is missing or wrong"),
    "not_found": ("没有这个地址：{field}", "there is nothing at {field}"),
    "method": ("该地址不接受此方法：{field}", "this method is not accepted at {field}"),
    "invalid": ("{field} 无效：{expected}", "{field} is invalid: {expected}"),
    "internal": ("内部错误，已记录", "an internal error, which has been recorded"),
}


class AftersightError(Exception):
    """The root of all errors that are raised on purpose."""


class InputError(AftersightError):
    """The caller sent something that cannot be read.

    Parameters
    ----------
    field : str
        Where, as a dotted path: ``ticket.text``, ``tickets[3].id``.
    rule : str
        A key of `RULES`.
    **values : object
        What the rule's message names: ``limit``, ``expected``.
    """

    def __init__(self, field: str, rule: str, **values: object) -> None:
        self.field, self.rule, self.values = field, rule, values
        super().__init__(self.message("en"))

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an exception is made again from its message alone, and this one takes more: the thread that reads
        # it from a process would die, and the pool wait forever.
        return partial(type(self), self.field, self.rule, **self.values), ()

    def message(self, language: str) -> str:
        """Say what is wrong, in Chinese for ``zh*`` and in English otherwise."""
        zh, en = RULES[self.rule]
        return (zh if language.startswith("zh") else en).format(field=self.field, **self.values)

    def as_dict(self, language: str = "en") -> dict[str, str]:
        """Give the error as the JSON object that every interface answers with."""
        return {"field": self.field, "rule": self.rule, "message": self.message(language)}


class TaxonomyError(AftersightError):
    """The label file contradicts itself; the message says where."""


class ReleaseError(AftersightError):
    """A release is damaged, foreign, or not there; nothing of it is used."""


class ConfigError(AftersightError):
    """A knob is unknown or out of range."""
