"""Runs a command in a pseudo-terminal: what comes on stdin is typed, what the terminal shows goes to stdout."""
import os
import pty
import sys

sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
