import type { JsonObject } from './cell.ts';
import type { Command, Option, Resource } from './command.ts';
import { idOf } from './resolve.ts';

/** Waits until the data plane has carried a command out. */
export const WAIT: Option = {
  flag: '--wait',
  help: 'Return when the hosts have carried it out; fails with the reason where one could not',
};

/** Whether the data plane has something to do with what a command changes, so that it can be waited for. */
export function canWait({ action, carriedOut }: Command): boolean {
  if (action.do === 'call') return carriedOut === true;
  return action.do !== 'list' && action.do !== 'show' && action.resource.carriedOut === true;
}

/** An object whose state is looked at after the wait, with the id of the one that holds it. */
export interface StandingObject {
  readonly resource: Resource;
  readonly id: string;
  readonly parent?: string | undefined;
}

/** The object of an answer, to be looked at. */
export const standing = (resource: Resource, object: JsonObject, parent?: string): StandingObject => ({
  resource,
  id: idOf(object),
  parent,
});
