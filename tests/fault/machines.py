"""Machines that are none: network namespaces with loopback and address of their own, one folder.

What runs in one reaches the others by their addresses only, as on a network. Needs Linux, root and
iproute2; `python -m tests.fault.machines COMMAND…` runs a command in the first of three.
"""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

_NET = "10.213.77"
_MTU = "1500"


class Machines:
    """Some machines on one network, until the block ends."""

    def __init__(self, count):
        self._stack = ExitStack()
        self._hub = f"tokpipe-{os.getpid()}"
        self.names = [f"{self._hub}-{number}" for number in range(1, count + 1)]
        self.addresses = [f"{_NET}.{number}" for number in range(1, count + 1)]

    def __enter__(self):
        with self._stack:
            self._add(self._hub)
            self._ip("-n", self._hub, "link", "add", "bridge", "type", "bridge")
            self._ip("-n", self._hub, "link", "set", "bridge", "up")
            for number, (name, address) in enumerate(zip(self.names, self.addresses, strict=True)):
                self._join(name, address, f"port{number}")
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error):
        self._stack.close()

    def _join(self, name, address, port):
        self._add(name)
        self._ip("-n", name, "link", "set", "lo", "up")
        pair = ("type", "veth", "peer", "name", port, "netns", self._hub)
        self._ip("-n", name, "link", "add", "eth0", "mtu", _MTU, *pair)
        self._ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        self._ip("-n", name, "link", "set", "eth0", "up")
        self._ip("-n", self._hub, "link", "set", port, "master", "bridge", "up")

    def _add(self, name):
        self._ip("netns", "add", name)
        self._stack.callback(self._ip, "netns", "delete", name)

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def on(self, number):
        """Return the words that put a command onto a machine, from 0."""
        return ["ip", "netns", "exec", self.names[number]]

    def ssh(self, folder):
        """Write a program that is ssh among these machines, by their addresses; return it."""
        cases = "".join(
            f'  {address}) exec ip netns exec {name} bash -c "$*" ;;\n'
            for name, address in zip(self.names, self.addresses, strict=True)
        )
        program = folder / "ssh"
        program.write_text(
            '#!/usr/bin/env bash\nwhile [ "${1#-}" != "$1" ]; do\n'
            '  case $1 in -o) shift 2 ;; *) shift ;; esac\ndone\nhost="$1"; shift\n'
            f'case "$host" in\n{cases}  *) echo "no machine $host" >&2; exit 255 ;;\nesac\n'
        )
        program.chmod(0o755)
        return program


def reason_without():
    """Return why there can be no machines here, or nothing."""
    if not sys.platform.startswith("linux") or shutil.which("ip") is None:
        return "network namespaces need Linux and iproute2"
    if os.geteuid() != 0:
        return "network namespaces need root"
    with suppress(OSError, subprocess.CalledProcessError), Machines(1):
        return ""
    return "network namespaces may not be made here"


if __name__ == "__main__":
    if why := reason_without():
        raise SystemExit(why)
    with Machines(3) as machines:
        print(f"machines: {', '.join(machines.addresses)}; ssh: {machines.ssh(Path.cwd())}")
        raise SystemExit(subprocess.run([*machines.on(0), *sys.argv[1:]], check=False).returncode)
