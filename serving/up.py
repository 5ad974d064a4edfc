"""Starts the server: in this process for one worker (a third faster), through BentoML for more."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, NoReturn

from features.errors import ConfigError
from serving.limits import check_exposure, read_keys
from serving.model import the_churn_model, the_model, the_photo_model

__all__ = ["listen", "up"]

# A client that is being answered gets its answer; one that only keeps its connection open does not hold us.
SECONDS_TO_FINISH = 10


def listen(host: str, port: int) -> socket.socket:
    """Take the address, before anything slow is loaded.

    Raises
    ------
    ConfigError
        If another program has it, or it is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where it sees that this is TCP: without, every answer takes 40 ms.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(2048)
    except (OSError, OverflowError) as error:
        taken.close()
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from error
    return taken


def up(host: str, port: int, workers: int, *, open_to_all: bool = False) -> int:
    """Serve until told to stop.

    Parameters
    ----------
    host : str
    port : int
        0 takes a free one.
    workers : int
        Processes that answer.
    open_to_all : bool
        Listen to others without an API key.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    ConfigError, ReleaseError
        Before anything is started.
    """
    check_exposure(host, read_keys(), open_to_all=open_to_all)
    with listen(host, port) as taken:
        os.environ["BENTOML_DO_NOT_TRACK"] = "True"
        if workers > 1:
            port = taken.getsockname()[1]
            taken.close()
            _hand_over(host, port, workers)
        # BentoML counts through files, as if it had many workers; without a folder for them /metrics breaks.
        folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="aftersight-metrics-")
        try:
            return _serve(taken)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _hand_over(host: str, port: int, workers: int) -> NoReturn:
    """Become BentoML's server, whose signals and exit code then are ours; it checks the release before it starts."""
    os.environ["BENTOML_CONFIG_OPTIONS"] = f"services.aftersight.workers={workers}"
    address = ["--host", host, "--port", str(port)]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", "serving.service:Aftersight", *address])  # noqa: S606


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _serve(taken: socket.socket) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    # Inflating the encoder's weights takes a second, mostly outside the interpreter's lock; so do these imports.
    with ThreadPoolExecutor(max_workers=2) as pool:
        loading, looking = pool.submit(the_model), pool.submit(the_photo_model)
        import uvicorn
        from bentoml._internal.context import server_context

        from serving.service import Aftersight

    service: Any = Aftersight  # a type checker takes it for the class that it was before it was decorated
    release = loading.result().release
    photos, churn = looking.result(), the_churn_model()
    # What BentoML's own worker says of itself, for the metrics' labels.
    server_context.service_type = "entry_service"
    server_context.service_name = server_context.bento_name = service.name
    server_context.bento_version = release.version
    server_context.service_routes = [api.route for api in service.apis.values()]
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = uvicorn.Config(
        service.to_asgi(),
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    host, port = taken.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    gc.enable()
    models = " and ".join(f"{r.name}/{r.version}" for r in (release, *(m.release for m in (churn, photos) if m)))
    print(f"Aftersight answers at http://{shown}:{port}/ with {models}", flush=True)
    uvicorn.Server(config).run(sockets=[taken])
    return 0
