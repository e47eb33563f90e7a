import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { EINVAL, EPERM } from './errno.ts';
import { FakeAbort, FakeSys } from './fake-sys.ts';
import { NetnsDoor } from './netns.ts';

const sandbox = { path: '/run/docker/netns/a' };

/** Knows which namespace the thread is in, by the descriptor that it entered. */
class EnteringSys extends FakeSys {
  in: number | undefined;

  override setns(fd: number): number {
    this.in = fd;
    return 0;
  }
}

test('comes back and lets go of the namespace, whether the work within succeeds or throws', () => {
  const sys = new FakeSys();
  const door = new NetnsDoor(sys);
  assert.equal(
    door.in(sandbox, 'count', () => 42),
    42,
  );
  assert.throws(
    () =>
      door.in(sandbox, 'fail', () => {
        throw new RangeError('within');
      }),
    RangeError,
  );
  assert.equal(sys.opened.size, 1, 'only the way back is open');
});

test('is back in the own namespace before anything else runs, after an error too', () => {
  const sys = new EnteringSys();
  const door = new NetnsDoor(sys);
  const [home] = sys.opened;
  door.in(sandbox, 'count', () => assert.notEqual(sys.in, home));
  assert.equal(sys.in, home);
  const fail = () => {
    throw new RangeError('within');
  };
  assert.throws(() => door.in(sandbox, 'fail', fail), RangeError);
  assert.equal(sys.in, home);
});

test('ends the process when the way back fails: nothing may run in a container by mistake', () => {
  const sys = new FakeSys();
  const door = new NetnsDoor(sys);
  sys.setnsResults.push(0, -EPERM);
  assert.throws(() => door.in(sandbox, 'count', () => 42), FakeAbort);
});

test('says that a namespace is gone, and apart from it that we may not enter', () => {
  const sys = new FakeSys();
  const door = new NetnsDoor(sys);
  sys.setnsResults.push(-EINVAL);
  assert.throws(
    () => door.in(sandbox, 'count', () => 42),
    error => isKuryrError(error, 'NETNS_GONE') && error.message.includes(sandbox.path),
  );
  sys.setnsResults.push(-EPERM);
  assert.throws(
    () => door.in(sandbox, 'count', () => 42),
    error => isKuryrError(error, 'NOT_PRIVILEGED'),
  );
  assert.equal(sys.opened.size, 1);
});

test('takes a lack of descriptors or memory for no proof that a namespace is gone', () => {
  const [ENOMEM, EMFILE] = [12, 24];
  for (const errno of [ENOMEM, EMFILE]) {
    const sys = new FakeSys();
    const door = new NetnsDoor(sys);
    sys.setnsResults.push(-errno);
    assert.throws(
      () => door.in(sandbox, 'count', () => 42),
      error => isKuryrError(error) && error.code !== 'NETNS_GONE',
    );
  }
});

test('takes no asynchronous work: it would go on in whatever namespace the thread is in by then', () => {
  const door = new NetnsDoor(new FakeSys());
  // @ts-expect-error a promise is refused at compile time
  void door.in(sandbox, 'wait', async () => 42);
  // @ts-expect-error also one that is hidden in a union
  void door.in(sandbox, 'wait', (): Promise<number> => Promise.resolve(42));
});
