"""The layers around the application, asked for by keys of the server section, in workers that were forked."""

from __future__ import annotations

import signal

from tests.integration.preload.projects import write_project
from tests.support.waiting import wait_until


def test_keys_of_a_server_section_reach_forked_workers(here):
    log = here.directory / "access.log"
    more = f"""\
backend = fastgevent
trusted_proxies = 127.0.0.1, ::1
trusted_proxy_headers = forwarded
access_log = {log}
access_log_format = {{remote_addr}} "{{header:X-Word}}" {{pid}}
request_timeout = 20
health_path = /-/health
"""
    stack = here.serve(write_project(here.directory, more=more))
    headers = {"Forwarded": "for=192.0.2.7", "X-Word": 'a"b'}
    pid = stack.client().fetch("/", **headers)[1].decode()
    assert int(pid) in stack.pids()
    assert stack.client().fetch("/-/health")[1] == b"ok\n"
    assert wait_until(log.read_text, "the line of the log") == f'192.0.2.7 "a\\x22b" {pid}\n'
    assert stack.stop(signal.SIGINT) == 0
    here.assert_nothing_left()
