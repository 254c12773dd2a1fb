"""Django's cache backend for Redis on a running server: django_cache.py PORT.

Prints "ok NAME" or "not ok NAME: why" for each check.
"""
import sys
import time

from django.conf import settings

settings.configure(
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{sys.argv[1]}/5",
            "KEY_PREFIX": "site",
        }
    }
)

import redis  # noqa: E402
from django.core.cache import cache  # noqa: E402

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


@check
def values(_):
    value = {"text": "grüß dich", "bytes": bytes(range(256)), "list": [1, 2.5, None]}
    cache.set("k", value)
    assert cache.get("k") == value
    assert cache.get("missing") is None and cache.get("missing", 7) == 7
    cache.set("none", None)
    assert cache.get("none", 7) is None
    assert cache.delete("k") is True and cache.delete("k") is False


@check
def adding(_):
    assert cache.add("k", 1) is True and cache.add("k", 2) is False and cache.get("k") == 1
    assert cache.get_or_set("k", 5) == 1 and cache.get_or_set("l", lambda: 5) == 5
    assert "k" in cache and not cache.has_key("missing")


@check
def counting(_):
    cache.set("n", 40)
    assert cache.incr("n", 2) == 42 and cache.decr("n") == 41 and cache.get("n") == 41
    try:
        cache.incr("missing")
        raise AssertionError("a key that is not there was incremented")
    except ValueError:
        pass


@check
def time_to_live(connection):
    cache.set("short", 1, timeout=1)
    cache.set("long", 1, timeout=1000)
    cache.set("ever", 1, timeout=None)
    ttl = {name: connection.ttl(f"site:1:{name}") for name in ("short", "long", "ever")}
    assert ttl["short"] <= 1 and 990 < ttl["long"] <= 1000 and ttl["ever"] == -1, ttl
    assert cache.touch("long", 2000) is True and connection.ttl("site:1:long") > 1500
    assert cache.touch("long", None) is True and connection.ttl("site:1:long") == -1
    assert cache.touch("missing") is False
    cache.set("gone", 1, timeout=0)
    assert cache.get("gone") is None
    time.sleep(1.1)
    assert cache.get("short") is None


@check
def many(connection):
    assert cache.set_many({"a": 1, "b": 2}, timeout=100) == []
    assert cache.get_many(["a", "b", "missing"]) == {"a": 1, "b": 2}
    assert connection.ttl("site:1:a") > 90
    cache.delete_many(["a", "b"])
    assert cache.get_many(["a", "b"]) == {}


@check
def versions_and_clearing(connection):
    cache.set("k", "one", version=1)
    cache.set("k", "two", version=2)
    assert cache.get("k", version=2) == "two" and cache.get("k") == "one"
    assert cache.incr_version("k", version=2) == 3 and cache.get("k", version=3) == "two"
    cache.clear()
    assert connection.dbsize() == 0


failed = 0
for function in CHECKS:
    name = f"django {function.__name__}"
    client = redis.Redis(host="127.0.0.1", port=int(sys.argv[1]), db=5)
    client.flushdb()
    try:
        function(client)
        print(f"ok {name}")
    except Exception as error:
        failed += 1
        line = error.__traceback__
        while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == __file__:
            line = line.tb_next
        print(f"not ok {name}: line {line.tb_lineno}: {error!r:.300}")
    client.close()
sys.exit(1 if failed else 0)
