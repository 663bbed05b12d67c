"""Work spread over processes, results in the order of the jobs."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class JobError(RuntimeError):
    """A job failed or its process died; the message names the job."""


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    job: int | None = None


def _serve(
    pipe: Connection,
    function: Callable[[Any], Any],
    initializer: Callable[[], None] | None,
) -> None:
    # Ctrl-C reaches the whole group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    # A closed pipe means that the parent is gone, by whatever death.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        ready = False
        while True:
            job = pipe.recv()
            try:
                if not ready and initializer is not None:
                    initializer()
                ready = True
                answer = True, function(job)
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                answer = False, (text, traceback.format_exc())
            pipe.send(answer)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Children born in here compute with one thread: N workers fill N cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start(
    count: int,
    function: Callable[[Any], Any],
    initializer: Callable[[], None] | None,
) -> list[_Worker]:
    # A forked child would inherit threads and OpenGL contexts that do not survive it.
    context = multiprocessing.get_context("spawn")
    workers = []
    try:
        with _one_thread():
            for _ in range(count):
                pipe, theirs = context.Pipe()
                process = context.Process(
                    target=_serve, args=(theirs, function, initializer), daemon=True
                )
                process.start()
                theirs.close()
                workers.append(_Worker(process, pipe))
    except BaseException:
        _stop(workers)
        raise
    return workers


def _stop(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(5)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()


def ordered_map(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: int,
    initializer: Callable[[], None] | None = None,
    look_ahead: int | None = None,
) -> Iterator[Result]:
    """Compute `function(job)` in worker processes.

    Ending the iteration early, by an exception or by Ctrl-C, stops the processes.

    Args:
        function: picklable: a module's function, or an object with `__call__`.
        jobs: picklable arguments.
        workers: processes; 0 computes here, which helps to debug.
        initializer: called once in every process, before its first job.
        look_ahead: jobs begun or done but not yet yielded, at most; 3 per worker
            unless told. It bounds the memory that a slow job makes others wait in.

    Yields:
        results in the order of `jobs`.

    Raises:
        ValueError: a negative number of workers or a look-ahead below 1.
        JobError: a job raised or its process died, when that job's turn comes, so that
            all earlier results have been yielded.
    """
    if workers < 0 or (look_ahead is not None and look_ahead < 1):
        raise ValueError(
            f"expected workers >= 0 and look_ahead >= 1, got {workers}, {look_ahead}"
        )
    if workers == 0:
        return _here(function, jobs, initializer)
    count = min(workers, len(jobs))
    return _spread(function, jobs, count, initializer, look_ahead or 3 * count)


def _here(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    initializer: Callable[[], None] | None,
) -> Iterator[Result]:
    if initializer is not None:
        initializer()
    for job in jobs:
        try:
            result = function(job)
        except Exception as error:
            raise JobError(f"job {job!r}: {type(error).__name__}: {error}") from error
        yield result


def _spread(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    count: int,
    initializer: Callable[[], None] | None,
    look_ahead: int,
) -> Iterator[Result]:
    team = _start(count, function, initializer)
    done: dict[int, tuple[bool, Any]] = {}
    begun = 0
    try:
        for turn in range(len(jobs)):
            while True:
                for worker in team:
                    if worker.job is None and begun < min(len(jobs), turn + look_ahead):
                        _hand(worker, begun, jobs[begun])
                        begun += 1
                if turn in done:
                    break
                _collect(team, done)
            good, value = done.pop(turn)
            if not good:
                text, details = value
                error = JobError(f"job {jobs[turn]!r}: {text}")
                if details:
                    error.add_note(f"In the worker process:\n{details}")
                raise error
            yield value
    finally:
        _stop(team)


def _hand(worker: _Worker, number: int, job: Any) -> None:
    worker.job = number
    # A process that died meanwhile is noticed when its answer is awaited.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        worker.pipe.send(job)


def _collect(team: list[_Worker], done: dict[int, tuple[bool, Any]]) -> None:
    """Wait for an answer; a dead process answers with its exit code."""
    busy = {worker.pipe: worker for worker in team if worker.job is not None}
    for pipe in wait(list(busy)):
        worker = busy[pipe]  # type: ignore[index]
        job = worker.job
        assert job is not None
        try:
            done[job] = worker.pipe.recv()
            worker.job = None
        except (EOFError, ConnectionResetError):
            worker.process.join(5)
            text = f"its process died with exit code {worker.process.exitcode}"
            done[job] = False, (text, "")
            team.remove(worker)
            worker.pipe.close()
            worker.process.close()
