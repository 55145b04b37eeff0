"""How the C library shares memory out among threads."""

import ctypes

_M_ARENA_MAX = -8  # [glibc, malloc.h]
_ARENAS = 2
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 576 * 1024


def share_memory_among_threads() -> None:
    """Let what one thread gave back serve the others, too; to be called before there are any.

    glibc gives each thread an arena of its own, eight for each core, and each keeps what its fullest
    moment took. With two, 32 answers of 15 MB at once peak some 60 MB lower. Other C libraries have no such
    switch and do not need it.

    What is larger than the pieces that files are read in gets pages of its own: it grows without being
    copied, and they are given back at once. glibc raises that limit to 32 MiB as soon as something so large
    was freed, and a body that grows is then in memory twice.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
