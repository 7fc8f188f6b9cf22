"""What a process does about its memory, which it keeps for weeks."""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Names of glibc's mallopt(3)."""
_LARGE = 1 << 20
_ARENAS = 2


def give_back() -> None:
    """Let freed memory go back to the system: what is large at once, and threads share their arenas.

    Left alone, glibc keeps as much free as the largest block there ever was (a picture that was decoded, a
    password that was hashed), in each of up to eight arenas a core. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_ARENA_MAX, _ARENAS), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
            mallopt(option, value)


def settle() -> None:
    """Set apart what was loaded and wired: it stays, so garbage collection need not walk through it again."""
    gc.collect()
    gc.freeze()
