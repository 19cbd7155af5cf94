"""Python's imaplib: fetches all rows of the mailbox and reports what that cost, as JSON."""

import imaplib
import json
import platform
import re
import resource
import sys
import time


def cpu():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime, u.ru_stime


c = imaplib.IMAP4(sys.argv[1], int(sys.argv[2]), timeout=120)
c.login("jo", "pass")
_, exists = c.select("INBOX", readonly=True)
user, system = cpu()
began = time.monotonic()
_, rows = c.fetch("1:%d" % int(exists[0]), "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)")
wall = time.monotonic() - began
user, system = (after - before for after, before in zip(cpu(), (user, system)))
c.logout()

# imaplib leaves the rows as they are: bytes, or tuples of bytes around literals. What they hold is only looked at to see that
# all came, and that is not measured. Literals come in envelopes, after UID and size.
head = re.compile(rb"\d+ \(UID (\d+) FLAGS \([^)]*\) INTERNALDATE \"[^\"]*\" RFC822.SIZE (\d+) ")
messages = uids = sizes = 0
for row in rows:
    found = head.match(row[0] if isinstance(row, tuple) else row)
    if found:
        messages, uids, sizes = messages + 1, uids + int(found[1]), sizes + int(found[2])
print(json.dumps({
    "totals": {"messages": messages, "uids": uids, "sizes": sizes},
    "user_seconds": user, "system_seconds": system, "wall_seconds": wall, "version": "Python " + platform.python_version(),
}))
