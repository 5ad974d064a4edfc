"""The command line: triage a file, diagnose photos, score customers, start the server, see a demonstration."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from features.errors import AftersightError

__all__ = ["main"]

FINE, SOME_BAD, NOT_DONE = 0, 1, 2
_EPILOG: Final = "Exit code: 0 all answered, 1 some could not be read, 2 nothing was done."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__, epilog=_EPILOG)
    commands = parser.add_subparsers(dest="command", required=True)
    triage = commands.add_parser("triage", help="one ticket an input line, one answer an output line", epilog=_EPILOG)
    triage.add_argument(
        "source", type=Path, metavar="IN.jsonl", help='{"id", "text", ...} a line; - for standard input'
    )
    triage.add_argument("--out", type=Path, required=True, metavar="OUT.jsonl", help="- for standard output")
    triage.add_argument("--release", metavar="VERSION", help="by default the current one")
    _add_diagnose(commands)
    _add_churn(commands)
    up = commands.add_parser("up", help="start the server")
    up.add_argument("--host", default="127.0.0.1", help="default %(default)s: only this machine")
    up.add_argument("--port", type=int, default=3000, help="default %(default)s; 0 takes a free one")
    up.add_argument("--workers", type=int, default=1, help="processes that answer, default %(default)s")
    up.add_argument("--open-to-all", action="store_true", help="listen to others without an API key")
    demo = commands.add_parser("demo", help="start the server, send it a dozen tickets, show the answers")
    demo.add_argument("--stay", action="store_true", help="keep the server running")
    return parser


def _add_diagnose(commands: Any) -> None:
    diagnose = commands.add_parser("diagnose", help="one photo, one answer an output line", epilog=_EPILOG)
    diagnose.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="JPEG, PNG, WebP or HEIC")
    diagnose.add_argument("--out", type=Path, required=True, metavar="OUT.jsonl", help="- for standard output")
    diagnose.add_argument("--case", action="store_true", help="all photos show one thing: one answer")
    diagnose.add_argument("--text", default="", help="what the customer wrote")
    diagnose.add_argument("--language", default="", help="of the answer, by default that of the text, or zh")
    diagnose.add_argument(
        "--mode", default="warn", choices=["off", "warn", "strict"], help="for photos not good enough"
    )
    diagnose.add_argument("--release", metavar="VERSION", help="by default the current one")


def _add_churn(commands: Any) -> None:
    churn = commands.add_parser("churn", help="a table of customers, the same with the risk of leaving", epilog=_EPILOG)
    churn.add_argument("source", type=Path, metavar="IN.csv", help="with a header; - for standard input")
    churn.add_argument("--out", type=Path, required=True, metavar="OUT.csv", help="- for standard output")
    churn.add_argument("--mapping", type=Path, metavar="YAML", help="the table's columns; see features/columns_*.yaml")
    churn.add_argument(
        "--encoding", default="utf-8-sig", help="of the table, default UTF-8; gbk for older spreadsheets"
    )
    churn.add_argument("--release", metavar="VERSION", help="by default the current one")


def _churn(args: argparse.Namespace) -> int:
    from models.churn import open_churn
    from serving.bulk_churn import churn_file

    answered, bad = churn_file(open_churn(args.release), args.source, args.out, args.mapping, args.encoding)
    if bad:
        print(f"{answered} answered, {bad} could not be read: see churn_error in {args.out}", file=sys.stderr)
    return SOME_BAD if bad else FINE


def _diagnose(args: argparse.Namespace) -> int:
    from serving.bulk_photos import diagnose_files
    from serving.model import open_photo_model
    from serving.photos import question

    asked = question({"text": args.text, "language": args.language, "mode": args.mode}, "zh")
    cases = [args.photos] if args.case else [[photo] for photo in args.photos]
    answered, bad = diagnose_files(open_photo_model(args.release), cases, args.out, asked)
    if bad:
        print(f"{answered} answered, {bad} could not be read: see their error in {args.out}", file=sys.stderr)
    return SOME_BAD if bad else FINE


def _triage(source: Path, target: Path, version: str | None) -> int:
    from serving.bulk import triage_file
    from serving.model import open_desk

    answered, bad = triage_file(open_desk(version), source, target)
    if bad:
        print(f"{answered} answered, {bad} could not be read: see their error in {target}", file=sys.stderr)
    return SOME_BAD if bad else FINE


def _run(args: argparse.Namespace) -> int:
    # Imported where used: who triages a file need not wait for a web server.
    if args.command == "triage":
        return _triage(args.source, args.out, args.release)
    if args.command in _VERBS:
        return _VERBS[args.command](args)
    if args.command == "up":
        gc.disable()  # nothing that is loaded now is garbage; looking for it costs a tenth of the start
        from serving.up import up

        return up(args.host, args.port, args.workers, open_to_all=args.open_to_all)
    from serving.demo import demo

    return demo(stay=args.stay)


_VERBS: Final = {"diagnose": _diagnose, "churn": _churn}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str or None
        By default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    args = _parser().parse_args(arguments)
    try:
        return _run(args)
    except (AftersightError, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return NOT_DONE
    except KeyboardInterrupt:
        return 130
