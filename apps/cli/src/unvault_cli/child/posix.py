"""Runs a program with its output masked and every signal handed on. POSIX only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from typing import TYPE_CHECKING

from unvault_cli.child.line_ends import LineEnds
from unvault_cli.child.monitor import Direct, Monitored, begin_monitored
from unvault_cli.child.relay import Masker, PolledStream, settle
from unvault_cli.child.signals import Signals, tell_others
from unvault_cli.child.starting import Program, become, begin_program, problem, told
from unvault_cli.child.terminal import Terminal, controlling, copy_size, inner_for

if TYPE_CHECKING:
    from unvault.redaction import Redactor

_IN, _OUT, _ERR = 0, 1, 2
_PIPE_BYTES = 1 << 20
_LOOK_SECONDS = 0.25
"""How often to look whether the terminal is ours again: a shell's `fg` need not tell."""


def replace(program: Program) -> None:
    """Let this process become the program: nothing of it has to be masked or removed.

    Raises:
        CommandProblem: It cannot be started.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # none gets lost
    try:
        become(program._replace(mask=before))
    except OSError as error:
        failed = error.errno or 0
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    raise problem(program, failed)


def run(program: Program, redactor: Redactor | None) -> int:
    """Run a program and return its exit code; 128 and its number where a signal ended it.

    Args:
        program: The program.
        redactor: Knows what is to be masked; None: nothing is, and it gets our own output.

    Raises:
        CommandProblem: It cannot be started.
        FileProblem: What it printed cannot be handed on.
        KeyboardInterrupt: Ctrl-C ended it, or the signal that Ctrl-C sends.
    """
    signals = Signals()
    running = _Running(program._replace(mask=signals.before), redactor, signals)
    return running.run()


class _Running:
    """One run of a program."""

    def __init__(self, program: Program, redactor: Redactor | None, signals: Signals) -> None:
        self._program = program
        self._redactor = redactor
        self._signals = signals
        self._terminal: Terminal | None = None
        self._errors: int | None = None
        self._places: dict[int, int] = {}
        self._streams: list[PolledStream] = []
        self._ended, self._end = os.pipe()

    def run(self) -> int:
        if self._redactor is not None:
            self._lay_pipes(self._redactor)
        child = self._start()
        terminal = self._terminal
        if terminal is not None:
            terminal.attach()
            terminal.listen()
            terminal.start_typing()
        try:
            for stream in self._streams:
                stream.start()
            status = self._wait(child)
            os.close(self._end)
            self._signals.release()
            settle(self._streams)
        finally:
            if terminal is not None:
                terminal.detach()
        child.let_go()
        self._tell_others(status)
        return _code(status)

    def _lay_pipes(self, redactor: Redactor) -> None:
        """Decide what is to be the program's standard input, output and error."""
        if os.isatty(_OUT):
            keyboard = _IN if os.isatty(_IN) else controlling()
            self._terminal = Terminal(keyboard, _OUT)
            inside, outside = self._terminal.inside, self._terminal.outside
            self._places = {place: inside for place in (_IN, _OUT, _ERR) if os.isatty(place)}
            self._relay(redactor, os.dup(outside), _OUT)
        elif _is_open(_OUT):
            self._pipe(redactor, _OUT)
        if _ERR in self._places or not _is_open(_ERR):
            return
        if os.isatty(_ERR):
            inside, outside = inner_for(_ERR)
            self._errors = outside
            self._places[_ERR] = inside
            self._relay(redactor, outside, _ERR)
        elif _is_open(_OUT) and _OUT in self._places and _same(_OUT, _ERR):
            self._places[_ERR] = self._places[_OUT]  # the order of the two is kept
        else:
            self._pipe(redactor, _ERR)

    def _pipe(self, redactor: Redactor, place: int) -> None:
        source, inlet = os.pipe()
        with contextlib.suppress(OSError, AttributeError):  # what a user may have is limited
            fcntl.fcntl(source, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._places[place] = inlet
        self._relay(redactor, source, place)

    def _relay(self, redactor: Redactor, source: int, target: int) -> None:
        masker: Masker = redactor.masker()
        if self._terminal is not None and target == _OUT:
            masker = LineEnds(masker, self._terminal)
        live = os.isatty(target)
        self._streams.append(PolledStream(source, target, masker, live=live, ended=self._ended))

    def _start(self) -> Direct | Monitored:
        """Start the program.

        Raises:
            CommandProblem: It cannot be started.
        """
        answer, failure = os.pipe()
        child: Direct | Monitored
        if self._terminal is None:
            child = Direct(begin_program(self._program, self._places, failure))
            for early in self._signals.early():
                child.send(early)
        else:
            child = begin_monitored(self._program, self._places, self._terminal, failure)
        for descriptor in {failure, *self._places.values()}:
            os.close(descriptor)
        number = told(answer)
        os.close(answer)
        if number:
            self._signals.release()
            raise problem(self._program, number)
        return child

    def _tell_others(self, status: int) -> None:
        """See to it that a key that ended the program ends the script that it is part of."""
        if self._terminal is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if self._terminal.asked(number):
                tell_others(number)

    def _wait(self, child: Direct | Monitored) -> int:
        """Hand on signals until the program has ended, and return its status."""
        while True:
            for status in child.changes():
                if not os.WIFSTOPPED(status):
                    return status
                self._stop(child, os.WSTOPSIG(status))
            terminal = self._terminal
            away = terminal is not None and terminal.away
            number, shared = self._signals.next(_LOOK_SECONDS if away else None)
            if number in (0, signal.SIGCHLD):
                if terminal is not None and away:
                    terminal.attach()
                    terminal.listen()
            else:
                self._hand_on(child, number, shared=shared)

    def _hand_on(self, child: Direct | Monitored, number: int, *, shared: bool) -> None:
        if number == signal.SIGCONT:
            self._resume(child)
        elif number == signal.SIGWINCH and self._terminal is not None:
            self._terminal.resize()  # which tells the program
        elif number == signal.SIGHUP and self._terminal is not None and self._terminal.gone:
            child.hang_up()
        else:
            if number == signal.SIGWINCH and self._errors is not None:
                copy_size(_ERR, self._errors)
            # On a terminal of its own, the program is in no group of the outer one.
            if self._terminal is not None or not shared:
                child.send(number)

    def _resume(self, child: Direct | Monitored) -> None:
        if self._terminal is not None:
            self._terminal.attach()  # before the program draws anything
        child.resume()
        if self._terminal is not None:
            self._terminal.listen()

    def _stop(self, child: Direct | Monitored, number: int) -> None:
        """Stop as the program did, until somebody lets us go on."""
        if self._terminal is not None:
            self._terminal.detach()
        group = self._terminal is not None and number == signal.SIGTSTP
        self._signals.stop(number, group=group)
        # At once, and not when the SIGCONT is handed on: another Ctrl-Z would drop that before.
        self._resume(child)


def _code(status: int) -> int:
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    if number == signal.SIGINT and any(map(os.isatty, (_IN, _OUT, _ERR))):
        raise KeyboardInterrupt  # a shell goes on with its loop unless this process ends so, too
    return 128 + number


def _is_open(place: int) -> bool:
    """Say whether it was open when this process began: see `keep_places`."""
    return os.get_inheritable(place)


def keep_places() -> None:
    """See to it that no file of ours gets the number of a standard stream that is closed.

    What stands in its place is not inherited, so that it is closed for the program as well.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _ERR:
        pass
    os.close(descriptor)


def _same(one: int, other: int) -> bool:
    return os.path.samestat(os.fstat(one), os.fstat(other))
