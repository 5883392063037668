"""Ports of the loopback for servers that tests, demo and bench start."""
import contextlib
import random
import socket


def free_ports(count):
    """Different ports that nobody listens on, below those that the kernel gives to clients. All are held until the last is found; afterwards
    another process may take one, so whoever starts a server tries again when its address is in use."""
    ports = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", random.randint(15000, 31999)))
                ports.append(probe.getsockname()[1])
    return ports
