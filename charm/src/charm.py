#!/usr/bin/env python3
"""The charm: installs the program, writes the unit, and starts it again where settings change."""

import os
import shutil
import subprocess
import tempfile
import zipfile

import ops
from workunit import PROGRAM, UNIT, USER, Settings, unit_text, wheel_name

ENVIRONMENT = os.path.dirname(os.path.dirname(PROGRAM))
UNIT_PATH = f"/etc/systemd/system/{UNIT}"


class BigconstCharm(ops.CharmBase):
    """A subordinate: its machine belongs to another charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.install, self._install)
        framework.observe(self.on.upgrade_charm, self._install)
        framework.observe(self.on.config_changed, self._configure)
        framework.observe(self.on.remove, self._remove)

    def _install(self, event: ops.EventBase) -> None:
        """The program, in an environment of its own."""
        try:
            wheel = self.model.resources.fetch("wheel")
        except ops.ModelError:
            self.unit.status = ops.BlockedStatus("attach the resource wheel, which `make dist` builds")
            return
        try:
            with zipfile.ZipFile(wheel) as archive:
                name = wheel_name(archive.namelist())
        except (ValueError, zipfile.BadZipFile) as error:
            self.unit.status = ops.BlockedStatus(str(error))
            return
        self.unit.status = ops.MaintenanceStatus("installing bigconst")
        _call("apt-get", "install", "--yes", "python3-venv")
        _call("python3", "-m", "venv", ENVIRONMENT)
        with tempfile.TemporaryDirectory() as folder:
            # Juju has given it another name.
            named = shutil.copy(wheel, os.path.join(folder, name))
            _call(f"{ENVIRONMENT}/bin/pip", "install", "--upgrade", "--force-reinstall", named)
        if subprocess.run(["id", USER], capture_output=True).returncode:
            _call("useradd", "--system", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", USER)
        self._configure(event)

    def _configure(self, event: ops.EventBase) -> None:
        if not os.path.exists(PROGRAM):
            self.unit.status = ops.BlockedStatus("attach the resource wheel, which `make dist` builds")
            return
        try:
            settings = Settings(str(self.config["queue-dir"]), int(self.config["workers"]), int(self.config["nice"]))
        except ValueError as error:
            self.unit.status = ops.BlockedStatus(str(error))
            return
        if not os.path.isdir(settings.queue_dir):       # the owner of one that was there is not ours to change
            _call("install", "--directory", f"--owner={USER}", settings.queue_dir)
        with open(UNIT_PATH, "w") as file:
            file.write(unit_text(settings))
        _call("systemctl", "daemon-reload")
        _call("systemctl", "enable", UNIT)
        _call("systemctl", "restart", UNIT)
        self.unit.status = ops.ActiveStatus(f"the queue is {settings.queue_dir}/worktodo.txt")

    def _remove(self, event: ops.EventBase) -> None:
        """The queue, with results and save files, stays."""
        if os.path.exists(UNIT_PATH):
            _call("systemctl", "disable", "--now", UNIT)
            os.unlink(UNIT_PATH)
            _call("systemctl", "daemon-reload")
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)


def _call(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    ops.main(BigconstCharm)
