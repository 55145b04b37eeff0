"""Runs programs in Python in forks of this process, which has loaded LiteLLM: that takes four seconds.


A request is a line of JSON, the answer what the program writes; its last line is `ENDED` if it ended well.
"""

import json
import os
import runpy
import signal
import socket
import sys

ENDED = "ended well"


def main():
    import litellm  # noqa: F401 - the forks find it loaded

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no fork is waited for
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection.makefile() as lines:
        request = json.loads(lines.readline())
    for stream in (1, 2):
        os.dup2(connection.fileno(), stream)
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = request["argv"]
    runpy.run_path(sys.argv[0], run_name="__main__")
    print(ENDED)


if __name__ == "__main__":
    main()
