import { AdminError, type Fault } from './admin-error';

export type ResourceType =
  | 'tenant'
  | 'key'
  | 'provider'
  | 'model'
  | 'credit'
  | 'settings'
  | 'call'
  | 'refused-usage'
  | 'webhook'
  | 'delivery'
  | 'export';

/** The same words for what is not there and for what its asker may not see. */
export function notFound(resource: ResourceType, id: string): AdminError {
  return new AdminError(404, 'not_found', `There is no ${resource} ${id}.`);
}

export function alreadyExists(resource: ResourceType, id: string): AdminError {
  return new AdminError(409, 'already_exists', `There is a ${resource} ${id} already.`);
}

/** All the faults of a body that was well formed but breaks a rule. */
export function invalidBody(faults: Fault[]): AdminError {
  return new AdminError(400, 'invalid_body', 'the body has faults', { faults });
}
