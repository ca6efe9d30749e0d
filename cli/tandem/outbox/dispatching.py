"""Delivery: what is due is sent, each message at least once and always under the same key.

That an attempt begins is committed before anything is sent, what came of it afterwards. Who is
killed in between leaves the message pending, and the next dispatch sends it again. The messages of
an account to one place are a *lane*: whoever delivers one holds an advisory lock of the database on
its lane, which ends with the session. So no message is under way twice at a time, and those of a
lane leave in order, however many dispatches run. No load or build waits for any of this.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from random import SystemRandom

from tandem.database import Connection
from tandem.outbox.configuration import Policy
from tandem.outbox.message import Answer, Message, Outcome, State, Transport

_RANDOM = SystemRandom()
_LANE_LOCKS = 622  # seed of the hash that names the lock of a lane
_LONGEST_ANSWER = 10_000  # characters that are kept


@dataclass(frozen=True)
class Endpoint:
    """A place that messages go to.

    Attributes:
        channel: ordering, notification or mail.
        carrier_id: whose; None for mail.
        transport: the way to it.
        attempts: how often a message is tried in one run.
    """

    channel: str
    carrier_id: str | None
    transport: Transport
    attempts: int

    @property
    def name(self) -> str:
        """For sentences."""
        return self.carrier_id or "the mail server"


@dataclass
class Delivered:
    """What a run did at one endpoint, in messages.

    Attributes:
        endpoint: which.
        accepted: the other side has taken them.
        refused: it does not want them.
        postponed: tried and not delivered; the next run goes on.
        given_up: tried and not delivered, for longer than the policy allows.
        elsewhere: accounts whose messages another dispatch was delivering.
        stopped: why the rest was left for the next run.
        errors: the last error of each message that was not accepted, a few of them.
    """

    endpoint: Endpoint
    accepted: int = 0
    refused: int = 0
    postponed: int = 0
    given_up: int = 0
    elsewhere: int = 0
    stopped: str | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether something that was due has not been delivered."""
        return bool(self.refused or self.postponed or self.given_up or self.stopped)


def dispatch(
    connection: Connection,
    endpoints: Sequence[Endpoint],
    policy: Policy,
    *,
    also_later: bool = False,
    on_message: Callable[[int, int], None] | None = None,
) -> list[Delivered]:
    """Deliver what is due.

    Args:
        connection: a session in autocommit mode that may write the outbox; used by nobody else.
        endpoints: where to; messages for other places stay as they are.
        policy: when to try again.
        also_later: also what is to be tried at a later time only.
        on_message: told how many accounts are done, and of how many; from several threads.

    Returns:
        One each, in order of the endpoints. A place that is down is no error.
    """
    ledger = _Ledger(connection, also_later)
    stop = threading.Event()
    progress = _Progress(on_message)
    runs = [_Run(ledger, endpoint, policy, stop, progress) for endpoint in endpoints]
    workers = [run for run in runs for _ in range(min(policy.workers, len(run.lanes)))]
    if workers:
        with ThreadPoolExecutor(len(workers), thread_name_prefix="outbox") as pool:
            futures = [pool.submit(run.work) for run in workers]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                # whatever ends this early: what is under way is sent and recorded, nothing begins
                stop.set()
        for future in futures:
            future.result()
    return [run.done for run in runs]


class _Progress:
    """Counts lanes that are done, of all endpoints."""

    def __init__(self, told: Callable[[int, int], None] | None) -> None:
        self._told = told
        self._mutex = threading.Lock()
        self._done = 0
        self.total = 0

    def step(self) -> None:
        with self._mutex:
            self._done += 1
            if self._told is not None:
                self._told(self._done, self.total)


class _Run:
    """One endpoint in one dispatch."""

    def __init__(
        self,
        ledger: _Ledger,
        endpoint: Endpoint,
        policy: Policy,
        stop: threading.Event,
        progress: _Progress,
    ) -> None:
        self.done = Delivered(endpoint)
        self.lanes = deque(ledger.lanes(endpoint))
        progress.total += len(self.lanes)
        self._ledger = ledger
        self._endpoint = endpoint
        self._policy = policy
        self._stop = stop
        self._progress = progress
        self._mutex = threading.Lock()
        self._undelivered_in_a_row = 0
        self._quiet_until = 0.0  # by the monotonic clock

    def work(self) -> None:
        """Deliver lane by lane until there is none; several threads do so at once."""
        while not self._is_over():
            try:
                account_id = self.lanes.popleft()
            except IndexError:
                return
            if not self._ledger.lock(self._endpoint, account_id):
                with self._mutex:
                    self.done.elsewhere += 1
                continue
            try:
                while not self._is_over() and self._deliver_next(account_id):
                    pass
            finally:
                self._ledger.unlock(self._endpoint, account_id)
            self._progress.step()

    def _is_over(self) -> bool:
        return self._stop.is_set() or self.done.stopped is not None

    def _deliver_next(self, account_id: str) -> bool:
        """Deliver the first message of a lane; whether the one after it may go."""
        tried = 0
        while True:
            self._wait_while_quiet()
            if self._is_over():
                return False
            message = self._ledger.begin(self._endpoint, account_id, is_again=tried > 0)
            if message is None:
                return False
            tried += 1
            answer = self._send(message)
            if answer.outcome in (Outcome.ACCEPTED, Outcome.REFUSED):
                self._ledger.record_answer(message, answer)
                self._count(message, answer, State(answer.outcome.value))
                return True
            pause = self._wait_before_next(tried, answer)
            if pause is not None:
                self._ledger.record_failure(message, answer, pause)
                self._stop.wait(pause)
                continue
            state = self._ledger.record_failure(
                message,
                answer,
                max(self._pause_before_next_run(message.attempt), answer.wait_seconds or 0.0),
                give_up_seconds=self._policy.give_up_hours * 3600,
            )
            self._count(message, answer, state)
            return state == State.GIVEN_UP

    def _send(self, message: Message) -> Answer:
        try:
            return self._endpoint.transport.send(message)
        except Exception as error:
            # a message that breaks its transport must not keep the others from leaving
            return Answer(Outcome.FAILED, error=f"{type(error).__name__}: {error}"[:500])

    def _wait_before_next(self, tried: int, answer: Answer) -> float | None:
        """Seconds to the next attempt of this run; None if there is none any more."""
        if answer.outcome == Outcome.TURNED_AWAY or tried >= self._endpoint.attempts:
            return None
        asked = answer.wait_seconds
        if asked is not None:
            if asked > self._policy.longest_wait_seconds:
                return None
            with self._mutex:  # the platform is busy, not the message
                self._quiet_until = max(self._quiet_until, time.monotonic() + asked)
        wait_seconds = min(
            self._policy.first_wait_seconds * 2.0 ** min(tried - 1, 30),
            self._policy.longest_wait_seconds,
        )
        return max(wait_seconds * _RANDOM.uniform(0.5, 1.0), asked or 0.0)

    def _pause_before_next_run(self, attempts: int) -> float:
        """Seconds that later runs wait, by how many runs have failed."""
        runs = max(attempts // self._endpoint.attempts, 1)
        pause = min(
            self._policy.first_pause_seconds * 2.0 ** min(runs - 1, 30),
            self._policy.longest_pause_seconds,
        )
        return pause * _RANDOM.uniform(0.5, 1.0)

    def _wait_while_quiet(self) -> None:
        while not self._is_over():
            with self._mutex:
                left = self._quiet_until - time.monotonic()
            if left <= 0:
                return
            self._stop.wait(left)

    def _count(self, message: Message, answer: Answer, state: State) -> None:
        """Count a message that this run is done with, and see whether to go on at all."""
        done, policy = self.done, self._policy
        with self._mutex:
            if state == State.ACCEPTED:
                done.accepted += 1
                self._undelivered_in_a_row = 0
                return
            if len(done.errors) < 5:
                done.errors[message.message_id] = answer.error or ""
            if state == State.REFUSED:
                done.refused += 1
                self._undelivered_in_a_row = 0
                return
            if state == State.GIVEN_UP:
                done.given_up += 1
            else:
                done.postponed += 1
            self._undelivered_in_a_row += 1
            if answer.outcome == Outcome.TURNED_AWAY:
                done.stopped = f"it turned us away ({answer.error})"
            elif (answer.wait_seconds or 0.0) > policy.longest_wait_seconds:
                done.stopped = f"it asks to be left alone for {answer.wait_seconds:,.0f} seconds"
            elif self._undelivered_in_a_row >= policy.failures_in_a_row:
                done.stopped = (
                    f"{self._undelivered_in_a_row} messages in a row were not delivered"
                    f" ({answer.error})"
                )


class _Ledger:
    """The tables of the outbox, for several threads over one session."""

    def __init__(self, connection: Connection, also_later: bool) -> None:
        self._connection = connection
        self._also_later = also_later
        self._mutex = threading.Lock()

    def lanes(self, endpoint: Endpoint) -> list[str]:
        """Accounts whose first message is due: the new ones first, then what has failed before, so
        that a few messages that fail again and again keep nothing else from leaving."""
        with self._mutex:
            rows = self._connection.execute(
                """
                select account_id
                from (
                    select distinct on (account_id)
                        account_id, attempts, ordered_at, next_attempt_at
                    from outbox.messages
                    where state = 'pending' and channel = %s and carrier_id is not distinct from %s
                    order by account_id, ordered_at, message_id
                ) as heads
                where %s or next_attempt_at <= clock_timestamp()
                order by attempts, ordered_at, account_id
                """,
                (endpoint.channel, endpoint.carrier_id, self._also_later),
            ).fetchall()
        return [account_id for (account_id,) in rows]

    def lock(self, endpoint: Endpoint, account_id: str) -> bool:
        """Take a lane; False if another dispatch has it."""
        return self._advise("pg_try_advisory_lock", endpoint, account_id)

    def unlock(self, endpoint: Endpoint, account_id: str) -> None:
        """Let go of a lane."""
        if not self._connection.broken:
            self._advise("pg_advisory_unlock", endpoint, account_id)

    def _advise(self, function: str, endpoint: Endpoint, account_id: str) -> bool:
        lane = "\x1f".join((endpoint.channel, endpoint.carrier_id or "", account_id))
        with self._mutex:
            row = self._connection.execute(
                f"select {function}(hashtextextended(%s, %s))".encode(), (lane, _LANE_LOCKS)
            ).fetchone()
        return row is not None and bool(row[0])

    def begin(self, endpoint: Endpoint, account_id: str, *, is_again: bool) -> Message | None:
        """Record that an attempt with the first message of a lane begins.

        Args:
            endpoint: where it goes.
            account_id: the lane, which the caller has locked.
            is_again: whether this run has tried it just now.

        Returns:
            The message; None if the lane is empty, or its first message is to be tried later.
        """
        with self._mutex, self._connection.transaction():
            row = self._connection.execute(
                """
                select message_id, kind, body, created_at, attempts, sent_at
                from outbox.messages
                where message_id = (
                    select message_id from outbox.messages
                    where state = 'pending' and channel = %s
                        and carrier_id is not distinct from %s and account_id = %s
                    order by ordered_at, message_id
                    limit 1
                )
                and state = 'pending' and (%s or next_attempt_at <= clock_timestamp())
                for update skip locked
                """,
                (
                    endpoint.channel,
                    endpoint.carrier_id,
                    account_id,
                    is_again or self._also_later,
                ),
            ).fetchone()
            if row is None:
                return None
            message_id, kind, body, created_at, attempts, sent_at = row
            # whoever began these was killed: nobody else holds the lane
            self._connection.execute(
                """
                update outbox.attempts set ended_at = clock_timestamp(), outcome = 'interrupted'
                where message_id = %s and ended_at is null
                """,
                (message_id,),
            )
            self._connection.execute(
                """
                update outbox.messages
                set attempts = attempts + 1, sent_at = coalesce(sent_at, clock_timestamp()),
                    tried_since = coalesce(tried_since, clock_timestamp())
                where message_id = %s
                """,
                (message_id,),
            )
            self._connection.execute(
                """
                insert into outbox.attempts (message_id, attempt, started_at)
                values (%s, %s, clock_timestamp())
                """,
                (message_id, attempts + 1),
            )
        return Message(
            message_id,
            kind,
            endpoint.carrier_id,
            account_id,
            body,
            created_at,
            attempt=attempts + 1,
            may_have_arrived=sent_at is not None,
        )

    def record_answer(self, message: Message, answer: Answer) -> None:
        """Record that a message was accepted or refused."""
        with self._mutex, self._connection.transaction():
            self._end_attempt(message, answer)
            self._connection.execute(
                """
                update outbox.messages
                set state = %s, answered_at = clock_timestamp(), answer_code = %s, answer = %s,
                    last_error = coalesce(%s, last_error)
                where message_id = %s and state = 'pending'
                """,
                (
                    answer.outcome.value,
                    answer.code,
                    _storable(answer.text, _LONGEST_ANSWER),
                    _storable(answer.error),
                    message.message_id,
                ),
            )

    def record_failure(
        self,
        message: Message,
        answer: Answer,
        pause_seconds: float,
        give_up_seconds: float | None = None,
    ) -> State:
        """Record an attempt without result; given up if the first one is that long ago."""
        with self._mutex, self._connection.transaction():
            self._end_attempt(message, answer)
            row = self._connection.execute(
                """
                update outbox.messages
                set last_error = %s,
                    next_attempt_at = clock_timestamp() + make_interval(secs => %s),
                    sent_at = case when %s then null else sent_at end,
                    state = case
                        when tried_since <= clock_timestamp() - make_interval(secs => %s)
                        then 'given_up' else state
                    end
                where message_id = %s and state = 'pending'
                returning state
                """,
                (
                    _storable(answer.error),
                    pause_seconds,
                    answer.outcome == Outcome.UNREACHED and not message.may_have_arrived,
                    give_up_seconds,
                    message.message_id,
                ),
            ).fetchone()
        return State.PENDING if row is None else State(row[0])

    def _end_attempt(self, message: Message, answer: Answer) -> None:
        self._connection.execute(
            """
            update outbox.attempts
            set ended_at = clock_timestamp(), outcome = %s, answer_code = %s, error = %s
            where message_id = %s and attempt = %s and ended_at is null
            """,
            (
                answer.outcome.value,
                answer.code,
                _storable(answer.error),
                message.message_id,
                message.attempt,
            ),
        )


def _storable(text: str | None, longest: int = 1000) -> str | None:
    """Text as Postgres takes it."""
    return None if text is None else text[:longest].replace("\x00", "\N{REPLACEMENT CHARACTER}")
