/**
 * Takes a step after each change, one at a time. Gives a promise that rejects with the failure of the first step that
 * fails; no further one is taken then.
 */
export function follow(onChange: (listener: () => void) => void, step: () => Promise<void>): Promise<never> {
  const broken = Promise.withResolvers<never>();
  let following = Promise.resolve();
  onChange(() => {
    following = following.then(step);
    following.catch(broken.reject);
  });
  return broken.promise;
}
