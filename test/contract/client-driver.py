"""Runs commands of the openstack client in one process, since its start costs more than most of them.

Its argument is a file with a JSON list of commands: {"args": [...], "save": "name"}. `@name.key` in an argument stands for that key of what an
earlier command printed. Prints a JSON list: {"code", "out", "err"}.
"""
import io
import json
import re
import sys

from openstackclient import shell

saved = {}


def value(match):
    found = saved
    for key in match.group(1).split('.'):
        found = found[key]
    return str(found)


def run(args):
    out, err = io.StringIO(), io.StringIO()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    try:
        code = shell.OpenStackShell().run(args)
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout, sys.stderr = before
    return {'code': code, 'out': out.getvalue(), 'err': err.getvalue()}


with open(sys.argv[1]) as file:
    commands = json.load(file)
answers = []
for command in commands:
    try:
        args = [re.sub(r'@([a-z0-9_.]+)', value, arg) for arg in command['args']]
    except KeyError as lacking:
        answers.append({'code': -1, 'out': '', 'err': 'an earlier command did not print %s' % lacking})
        continue
    answer = run(args)
    if 'save' in command and answer['code'] == 0:
        saved[command['save']] = json.loads(answer['out'])
    answers.append(answer)
json.dump(answers, sys.stdout)
