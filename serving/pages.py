"""The page for colleagues at ``/desk``, on which a ticket can be tried, without JavaScript, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

__all__ = ["CSP", "start_page"]

# Nothing from elsewhere, nothing inline but style: a customer's words could not run even if an escape were forgotten.
CSP: Final = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
textarea{width:100%;box-sizing:border-box;font:inherit;padding:.5rem}button{font:inherit;padding:.4rem 1.2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem}dt{color:#5b6675}dd{margin:0}
pre{overflow:auto;background:#f4f6f8;padding:.8rem}.problem{border-left:4px solid #b3261e;padding-left:.8rem}
@media(prefers-color-scheme:dark){body{color:#e6eaf0;background:#14181d}pre{background:#20262d}dt{color:#9aa7b5}}
"""
_PAGE: Final = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="/static/icon.svg">
<title>{title}</title><style>{style}</style></head><body><h1>{title}</h1>{body}</body></html>"""
_WORDS: Final = {
    "zh": {
        "title": "Aftersight · 售后工单分诊",
        "what": "把客户的话变成：分类、标签、紧急程度、优先级，以及能否自动处理。当前模型：",
        "ask": "客户的话",
        "go": "分诊",
        "category": "分类",
        "tags": "标签",
        "urgency": "紧急程度",
        "priority": "优先级",
        "entities": "识别到",
        "decision": "处理方式",
        "none": "无",
        "more": "接口：",
        "docs": "说明",
        "releases": "模型版本",
        "health": "是否就绪",
        "metrics": "指标",
        "automate": "自动处理",
        "suggest": "仅建议",
        "abstain": "不作判断",
    },
    "en": {
        "title": "Aftersight · after-sales triage",
        "what": "Turns a customer's words into category, tags, urgency, priority; says what needs a person. Model:",
        "ask": "The customer's words",
        "go": "Triage",
        "category": "Category",
        "tags": "Tags",
        "urgency": "Urgency",
        "priority": "Priority",
        "entities": "Named",
        "decision": "Decision",
        "none": "none",
        "more": "Interfaces:",
        "docs": "description",
        "releases": "releases",
        "health": "ready?",
        "metrics": "metrics",
        "automate": "automate",
        "suggest": "suggest only",
        "abstain": "abstain",
    },
}
_LINKS: Final = (("/docs.json", "docs"), ("/releases", "releases"), ("/readyz", "health"), ("/metrics", "metrics"))


def _percent(named: Mapping[str, Any]) -> str:
    return f"{escape(named['name'])} ({named['probability']:.0%})"


def _why(reasons: list[Mapping[str, Any]]) -> str:
    return "".join(f"<br><small>{escape(reason['message'])}</small>" for reason in reasons)


def _answer(answer: Mapping[str, Any], words: Mapping[str, str]) -> str:
    urgency, decision = answer["urgency"], answer["decision"]
    rows = {
        "category": _percent(answer["category"]),
        "tags": ", ".join(map(_percent, answer["tags"])) or words["none"],
        "urgency": f"{escape(urgency['level'])}{_why(urgency['reasons'])}" if urgency else words["none"],
        "priority": f"{answer['priority']['score']:.2f}{_why(answer['priority']['reasons'])}",
        "entities": ", ".join(escape(f"{e['kind']} {e['text']}") for e in answer["entities"]) or words["none"],
        "decision": words[decision["category"]] + _why(list(decision["reasons"].values())[:1]),
    }
    return "<dl>" + "".join(f"<dt>{words[key]}</dt><dd>{value}</dd>" for key, value in rows.items()) + "</dl>"


def start_page(
    language: str,
    release: str,
    text: str = "",
    answer: Mapping[str, Any] | None = None,
    problem: str = "",
) -> str:
    """Render the start page; everything that came from outside is escaped.

    Parameters
    ----------
    language : {'zh', 'en'}
    release : str
        Which model answers.
    text : str
        What was asked.
    answer : mapping or None
        A triage in its public form.
    problem : str
        Why there is no answer.
    """
    words = _WORDS[language]
    links = " · ".join(f'<a href="{path}">{words[word]} <code>{path}</code></a>' for path, word in _LINKS)
    body = (
        f"<p>{words['what']} <code>{escape(release)}</code></p>"
        f'<form method="post" action="/try"><p><label for="text">{words["ask"]}</label></p>'
        f'<textarea id="text" name="text" rows="5" required>{escape(text)}</textarea>'
        f"<p><button>{words['go']}</button></p></form>"
        + (f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "")
        + (_answer(answer, words) if answer else "")
        + f"<p>{words['more']} {links}</p>"
    )
    return _PAGE.format(lang="zh-Hans" if language == "zh" else "en", title=words["title"], style=_STYLE, body=body)
