import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turnstile } from './turnstile.ts';

const signal = new AbortController().signal;

test('lets in as many as there are places, and the others in turn as places come free', async () => {
  const turnstile = new Turnstile(2);
  const inside: number[] = [];
  const places = await Promise.all([turnstile.enter(signal), turnstile.enter(signal)]);
  const waiting = [3, 4].map(async number => {
    const place = await turnstile.enter(signal);
    inside.push(number);
    return place;
  });
  await Promise.resolve();
  assert.deepEqual(inside, []);
  places[0][Symbol.dispose]();
  await waiting[0];
  assert.deepEqual(inside, [3]);
  places[1][Symbol.dispose]();
  await waiting[1];
  assert.deepEqual(inside, [3, 4]);
});

test('one who is aborted while waiting leaves the queue and takes no place', async () => {
  const turnstile = new Turnstile(1);
  const first = await turnstile.enter(signal);
  const stop = new AbortController();
  const aborted = turnstile.enter(stop.signal);
  const last = turnstile.enter(signal);
  stop.abort(new Error('gone'));
  await assert.rejects(aborted, /gone/);
  first[Symbol.dispose]();
  (await last)[Symbol.dispose]();
  await assert.rejects(turnstile.enter(stop.signal), /gone/);
  (await turnstile.enter(signal))[Symbol.dispose]();
});
