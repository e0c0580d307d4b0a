"""What the charm writes, as functions of its settings and its resource.  Nothing here touches a machine."""

from collections.abc import Iterable
from dataclasses import dataclass

USER = "bigconst"
UNIT = "bigconst-work.service"
PROGRAM = "/opt/bigconst/bin/bigconst"
MAX_WORKERS = 256

_TEXT = """\
[Unit]
Description=Tests of Mersenne numbers
After=network.target
RequiresMountsFor={queue_dir}

[Service]
Type=exec
User={user}
CacheDirectory=bigconst
Environment=XDG_CACHE_HOME=/var/cache/bigconst
ExecStart={program} work {queue_dir} --workers {workers}
# An empty queue ends it with 0: it looks again.  What a fault ended goes on from its save file.
Restart=always
RestartSec=600
# Stopped and saved.
SuccessExitStatus=75
KillMode=mixed
KillSignal=SIGTERM
TimeoutStopSec=120
Nice={nice}
CPUSchedulingPolicy={policy}
IOSchedulingClass=idle
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=true
ReadWritePaths={queue_dir}

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Settings:
    """The charm's configuration.  Raises ValueError, in words for its status, where it makes no sense."""

    queue_dir: str
    workers: int
    nice: int

    def __post_init__(self):
        path = self.queue_dir
        # systemd takes blanks, quotes, $ and % for something else.
        if not path.startswith("/") or path.strip("/") == "" or not all(c.isalnum() or c in "/._-" for c in path):
            raise ValueError("queue-dir has to be an absolute path of letters, digits and / . _ -")
        if not 1 <= self.workers <= MAX_WORKERS:
            raise ValueError(f"workers has to be 1 to {MAX_WORKERS}")
        if not 0 <= self.nice <= 19:
            raise ValueError("nice has to be 0 to 19")


def wheel_name(members: Iterable[str]) -> str:
    """The file name of a wheel of Python alone, from the names in the archive: pip reads the version from it.

    Raises ValueError, in words for the charm's status, where they are not those of bigconst.
    """
    for name in members:
        folder, _, rest = name.partition(".dist-info/")
        if rest == "METADATA" and folder.startswith("bigconst-"):
            return f"{folder}-py3-none-any.whl"
    raise ValueError("the resource wheel is not bigconst's: attach what `make dist` builds")


def unit_text(settings: Settings) -> str:
    """The unit; with the lowest priority processors are used only where they would be idle."""
    return _TEXT.format(user=USER, program=PROGRAM, queue_dir=settings.queue_dir, workers=settings.workers,
                        nice=settings.nice, policy="idle" if settings.nice == 19 else "batch")
