import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { assertNothingLeft } from '../lab/nothing-left.ts';

const foreign = { ip_address: '10.30.9.9', mac_address: '02:00:00:00:09:09' };

test('kuryr demo --here shows Kuryr on the VM it runs on, on a real cloud, and undoes all, ended by Ctrl-C too', async () => {
  const signal = new AbortController().signal;
  await using lab = await Lab.up({ backend: 'ovn', say: line => console.error(line), signal });
  const [vm] = await lab.addVms({ name: 'va', host: 'h1', start: false });
  await lab.cloud.ok('PUT', `/ports/${vm.port.id}`, { port: { allowed_address_pairs: [foreign] } });
  const machine = (): Promise<string> =>
    vm.ok(`ip -o link | cut -d: -f2; ls /run/netns /run; ls /var/lib/kuryr 2>&1
      # The kernel's own threads come and go.
      ps -eo pid=,ppid=,comm= | while read pid parent name; do [ $pid = 2 ] || [ $parent = 2 ] || echo $name; done | sort`);
  const before = await machine();

  const shown = await vm.run('kuryr demo --here --cloud lab', 120);
  assert.equal(shown.code, 0, shown.stdout + shown.stderr);
  assert.match(shown.stdout, /✓ a container .* with the address 10\.30\.0\.\d+, which the VM's port permits now/);
  assert.match(shown.stdout, /✓ the gateway 10\.30\.0\.1 answers 10\.30\.0\.\d+/);
  assert.match(shown.stdout, /✓ asked as 10\.30\.0\.\d+, which is not permitted: no answer to [1-9]\d* questions/);
  assert.match(shown.stdout, /✓ all is undone/);
  await assertNothingLeft(lab.cloud, vm.port.id, [foreign]);
  assert.equal(await machine(), before);

  const interrupted = await vm.run(
    `kuryr demo --here --cloud lab >/run/said 2>&1 & demo=$!
    until grep -q '✓ a container' /run/said || ! kill -0 $demo; do read -t 0.05 <> <(:); done
    kill -INT $demo; wait $demo; code=$?; cat /run/said; rm /run/said; exit $code`,
    120,
  );
  assert.equal(interrupted.code, 130, interrupted.stdout + interrupted.stderr);
  assert.match(interrupted.stdout, /✓ a container /);
  assert.doesNotMatch(interrupted.stdout, /✓ asked as /, 'it was ended before its end');
  assert.match(interrupted.stdout, /✓ all is undone/);
  await assertNothingLeft(lab.cloud, vm.port.id, [foreign]);
  assert.equal(await machine(), before);
});
