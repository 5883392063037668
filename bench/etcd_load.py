#!/usr/bin/env python3
"""Fills an etcd with Kubernetes-like keys until its database has a given size.

    etcd_load.py URL MIB

Writes through the JSON gateway in transactions of 64 puts: values of 1 to 3 KiB that do not compress, some keys overwritten,
some deleted.
"""
import base64
import http.client
import json
import os
import random
import sys
import urllib.parse


def b64(data):
    return base64.b64encode(data).decode()


def main():
    url, mib = urllib.parse.urlparse(sys.argv[1]), int(sys.argv[2])
    connection = http.client.HTTPConnection(url.hostname, url.port)

    def post(path, body):
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            sys.exit(f"{path}: {response.status} {answer}")
        return answer

    rng = random.Random(1)
    pool = os.urandom(1 << 20)
    written, n = 0, 0
    while written < mib << 20:
        ops = []
        for _ in range(64):
            n += 1
            # One put in ten overwrites an old key, one in fifty deletes one.
            key = n if rng.random() > 0.1 else rng.randrange(n)
            name = f"/registry/pods/namespace-{key % 97}/pod-{key:08d}".encode()
            if rng.random() < 0.02:
                ops.append({"requestDeleteRange": {"key": b64(name)}})
                continue
            size = rng.randrange(1024, 3072)
            start = rng.randrange(len(pool) - size)
            written += size + len(name) + 60
            ops.append({"requestPut": {"key": b64(name), "value": b64(pool[start:start + size])}})
        # A transaction must not put a key twice.
        seen, unique = set(), []
        for op in ops:
            key = next(iter(op.values()))["key"]
            if key not in seen:
                seen.add(key)
                unique.append(op)
        post("/v3/kv/txn", {"success": unique})
    print(json.dumps({"keys": n, "bytes": written}))


if __name__ == "__main__":
    main()
