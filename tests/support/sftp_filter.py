#!/usr/bin/env python3
"""Stands between sshd and OpenSSH's sftp-server and makes it a server with smaller limits.

Usage: sftp_filter.py [--write-most N] [--read-most N] [--packet-most N] [--no-limits] [--hold N] [--even]
  --write-most   what it says is the most that it takes in one WRITE; a longer one ends the session
  --read-most    gives no more than this for one READ, without having said so
  --packet-most  a longer packet ends the session
  --no-limits    does not know limits@openssh.com
  --hold         begins to write when it was given so many bytes, and answers no WRITE before
  --even         a WRITE whose length is no power of two ends the session
Format: draft-ietf-secsh-filexfer-02; openssh/openssh-portable:PROTOCOL (limits@openssh.com).
"""
import argparse
import os
import struct
import subprocess
import sys
import threading

READ, WRITE, EXTENDED, EXTENDED_REPLY = 5, 6, 200, 201


def packets(stream):
    while len(head := stream.read(4)) == 4:
        yield stream.read(struct.unpack(">I", head)[0])


def send(stream, packet):
    stream.write(struct.pack(">I", len(packet)) + packet)
    stream.flush()


def string_at(packet, at):
    size = struct.unpack_from(">I", packet, at)[0]
    return packet[at + 4:at + 4 + size], at + 4 + size


def replies(server, asked_limits, most):
    for packet in packets(server):
        if packet[0] == EXTENDED_REPLY and packet[1:5] in asked_limits and most:
            packet = packet[:21] + struct.pack(">Q", most) + packet[29:]
        send(sys.stdout.buffer, packet)


def main():
    parser = argparse.ArgumentParser()
    for name in ("--write-most", "--read-most", "--packet-most", "--hold"):
        parser.add_argument(name, type=int, default=0)
    parser.add_argument("--no-limits", action="store_true")
    parser.add_argument("--even", action="store_true")
    options = parser.parse_args()
    flags = ["-P", "limits"] if options.no_limits else []
    server = subprocess.Popen(["/usr/lib/openssh/sftp-server", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    asked_limits = set()
    threading.Thread(target=replies, args=(server.stdout, asked_limits, options.write_most), daemon=True).start()
    held, given = [], 0
    for packet in packets(sys.stdin.buffer):
        if options.packet_most and len(packet) > options.packet_most:
            break
        if packet[0] == EXTENDED and string_at(packet, 5)[0] == b"limits@openssh.com":
            asked_limits.add(packet[1:5])
        if packet[0] == WRITE:
            size = len(string_at(packet, string_at(packet, 5)[1] + 8)[0])
            if options.write_most and size > options.write_most or options.even and size.bit_count() != 1:
                break
            given += size
            held.append(packet)
            if given >= options.hold:
                for write in held:
                    send(server.stdin, write)
                held = []
            continue
        if packet[0] == READ and options.read_most:
            at = string_at(packet, 5)[1] + 8
            size = min(struct.unpack_from(">I", packet, at)[0], options.read_most)
            packet = packet[:at] + struct.pack(">I", size)
        send(server.stdin, packet)
    server.kill()
    os._exit(0)


main()
