"""Connects a tap of the node with the tap eth0 of a guest's namespace, as a
hypervisor connects a tap with its guest's card.

    wire.py INTERFACE make|wait NAMESPACE

With "wait" the interface is the agent's, and taken when it is there; with
"make" it is made, and goes when this ends.
"""
import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
import threading
import time

# linux/if_tun.h
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI = 0x0002, 0x0100, 0x1000
CLONE_NEWNET = 0x40000000


def open_tap(name, flags=0):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | flags))
    return fd


def open_agents_tap(name):
    while True:
        try:
            with open("/sys/class/net/%s/tun_flags" % name) as f:
                return open_tap(name, int(f.read(), 16) & IFF_MULTI_QUEUE)
        except FileNotFoundError:
            time.sleep(0.02)


def enter(namespace):
    with open(namespace) as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def ready():
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        if address[0] == "@":
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"READY=1", address)


def carry(source, destination):
    try:
        while True:
            frame = os.read(source, 65536)
            try:
                os.write(destination, frame)
            except OSError as e:
                if e.errno not in (errno.EIO, errno.ENOBUFS):  # EIO: that end is down
                    raise
    except OSError as e:
        # An end is gone. systemd starts this again, for the one that comes
        # in its place.
        print("wire.py: %s" % e, file=sys.stderr)
    finally:
        os._exit(1)


interface, mode, namespace = sys.argv[1:]
if mode == "wait":
    ready()
    node = open_agents_tap(interface)
else:
    node = open_tap(interface)
    ready()
enter(namespace)
guest = open_tap("eth0")
threading.Thread(target=carry, args=(node, guest)).start()
carry(guest, node)
