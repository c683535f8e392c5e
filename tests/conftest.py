"""What holds for every test, however the run was started."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A run in the background of a shell ignores Ctrl-C, and so would every program that it starts and interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
