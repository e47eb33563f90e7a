import type { Kernel } from '../linux/kernel.ts';
import type { Change } from './changes.ts';
import { COOKIE, handleOf } from './slots.ts';

type ChangedKernel = Pick<Kernel, 'filters' | 'putNeighbour' | 'removeNeighbour' | 'addRoute' | 'removeRoute'>;

/** Makes them all; one that fails does not keep the others from being made. @throws what the first of them threw */
export function applyChanges(kernel: ChangedKernel, changes: readonly Change[]): void {
  const failures: unknown[] = [];
  for (const change of changes) {
    try {
      applyChange(kernel, change);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Made twice it is as once. */
function applyChange(kernel: ChangedKernel, change: Change): void {
  const { filters } = kernel;
  switch (change.do) {
    case 'make-place':
      filters.addWithPlace(change.ifindex, change.filter, { handle: handleOf(change.filter), cookie: COOKIE });
      break;
    case 'add-filter':
      filters.add(change.ifindex, change.filter, { handle: handleOf(change.filter), cookie: COOKIE });
      break;
    case 'remove-filter':
      filters.remove(change.ifindex, change.filter, change.handle);
      break;
    case 'remove-place':
      filters.removePlace(change.ifindex);
      break;
    case 'put-neighbour':
      kernel.putNeighbour(change.neighbour);
      break;
    case 'remove-neighbour':
      kernel.removeNeighbour(change.ifindex, change.address);
      break;
    case 'add-route':
      kernel.addRoute('host', change.route);
      break;
    case 'remove-route':
      kernel.removeRoute(change.route);
      break;
  }
}

/** What a change takes away, in words; undefined where it takes nothing away. */
export function describeRemoval(change: Change): string | undefined {
  switch (change.do) {
    case 'remove-filter':
      return `the filter ${change.filter.pref} on link ${change.ifindex}`;
    case 'remove-place':
      return `the filters on link ${change.ifindex}`;
    case 'remove-neighbour':
      return `the neighbour ${change.address}`;
    case 'remove-route':
      return `the route to ${change.route.destination}`;
    default:
      return undefined;
  }
}
